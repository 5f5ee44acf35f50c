//! Signals to the program, also where this process was started to ignore them, as under nohup or in the
//! background of a script.

use std::sync::Arc;

use rustix::process::Signal;

/// The signals that the program catches. The processes that this one starts from now on heed them: what
/// is ignored stays so beyond `exec`, and what is caught does not.
pub(crate) fn signals() -> [Signal; 3] {
    let signals = [Signal::TERM, Signal::INT, Signal::HUP];
    let status = std::fs::read_to_string("/proc/self/status").expect("it is there");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.expect("it has a mask").trim(), 16).expect("it is digits");
    let is_ignored = |signal: &&Signal| mask & (1 << (signal.as_raw() - 1)) != 0;
    for signal in signals.iter().filter(is_ignored) {
        let caught = signal_hook::flag::register(signal.as_raw(), Arc::default());
        caught.expect("it can be caught");
    }
    signals
}
