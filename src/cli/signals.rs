//! SIGHUP, SIGINT and SIGTERM while a catalog is changed: they end the program as they do by default,
//! at a moment at which nothing has a temporary name, so that nothing is left behind.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use engine_catalog::Standstill;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, exit};

/// How long a disk may take before what is left behind matters less than to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a signal came.
static CAME: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Sees to it that a signal leaves nothing behind. Where that cannot be had, signals end the program
/// where it is.
pub(super) fn leave_nothing_behind() {
    if CAME.get().is_none() {
        let _ = catch(CAME.get_or_init(Arc::default));
    }
}

fn catch(came: &Arc<AtomicBool>) -> io::Result<()> {
    // As under nohup, or in the background of a script.
    let ignored = ignored_signals();
    let is_wanted = |signal: &i32| ignored & (1 << (signal - 1)) == 0;
    let wanted: Vec<_> = [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .filter(is_wanted)
        .collect();
    let mut signals = Signals::new::<[i32; 0], _>([])?;
    let caught = signals.handle();
    thread::Builder::new().spawn(move || {
        if let Some(signal) = signals.forever().next() {
            super::pull::end_child();
            let _standstill = Standstill::reach(PATIENCE);
            // The kernel keeps the first process of a container from ending by a signal.
            if std::process::id() == 1 {
                exit(128 + signal);
            }
            let _ = emulate_default_handler(signal);
        }
    })?;
    // None of this fails for signals that a program may catch.
    for signal in wanted {
        // In this order: a second signal finds what the first has set, and ends the program at once;
        // and what the thread does cannot be taken for a second signal.
        flag::register_conditional_default(signal, Arc::clone(came))?;
        flag::register(signal, Arc::clone(came))?;
        caught.add_signal(signal)?;
    }
    Ok(())
}

/// The signals that this program was started to ignore, as bits; none where that cannot be found out.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .unwrap_or(0)
}

/// Waits for the end where a signal came: what fails then fails because of it, and the exit status
/// is to say so.
pub(super) fn end_if_one_came() {
    while CAME.get().is_some_and(|came| came.load(Ordering::Relaxed)) {
        thread::park();
    }
}
