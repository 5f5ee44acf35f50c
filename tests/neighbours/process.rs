//! A process that stays, and what it has said.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// More than any look takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.0.lock().unwrap().push(line);
                heard.1.notify_all();
            }
        });
        Self { child, said }
    }

    /// Waits for a line that `is_it`, after the first `after` lines, and returns how many lines there are
    /// up to that one.
    pub(crate) fn says(&self, after: usize, what: &str, is_it: impl Fn(&str) -> bool) -> usize {
        let begin = Instant::now();
        let mut said = self.said.0.lock().unwrap();
        loop {
            if let Some(at) = said.iter().skip(after).position(|line| is_it(line)) {
                return after + at + 1;
            }
            assert!(begin.elapsed() < PATIENCE, "nobody said {what}: {said:#?}");
            (said, _) = self
                .said
                .1
                .wait_timeout(said, Duration::from_millis(200))
                .unwrap();
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.0.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
