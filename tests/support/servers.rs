//! Real servers on loopback: sshd with keys of its own, and the daemon of rsync.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::skip;

/// A server that ends with this.
pub(crate) struct Server {
    process: Child,
    port: u16,
    dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts what listens on the port that `command` is told of, and waits until it does.
    fn start(command: impl Fn(&Path, u16) -> Command) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Somebody else may take the port in between, and then it is another's turn.
        for _ in 0..10 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let log = fs::File::create(dir.path().join("log")).unwrap();
            let mut command = command(dir.path(), port);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log);
            let mut process = command.spawn().unwrap();
            let until = Instant::now() + Duration::from_secs(10);
            while Instant::now() < until && process.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { process, port, dir };
                }
                sleep(Duration::from_millis(10));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("the server does not listen: {log}");
    }

    /// An sshd of this user; `None` where there is none.
    pub(crate) fn sshd() -> Option<Self> {
        let sshd = skip::program("sshd")?;
        skip::program("ssh")?;
        if skip::is_root() {
            // What a service manager would have made.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        Some(Self::start(|dir, port| {
            for key in ["host", "user"] {
                let _ = fs::remove_file(dir.join(key));
                let mut keygen = Command::new("ssh-keygen");
                keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
                assert!(keygen.arg(dir.join(key)).status().unwrap().success());
            }
            let at = dir.display();
            let config = format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nPidFile none\n\
                 AuthorizedKeysFile {at}/user.pub\nStrictModes no\nUsePAM no\n\
                 PermitRootLogin yes\nPasswordAuthentication no\n"
            );
            fs::write(dir.join("config"), config).unwrap();
            let mut command = Command::new(&sshd);
            command.args(["-D", "-e", "-f"]).arg(dir.join("config"));
            command
        }))
    }

    /// The command that leads to this sshd.
    pub(crate) fn ssh(&self) -> String {
        let at = self.dir.path().display();
        format!(
            "ssh -F /dev/null -p {} -i {at}/user -o StrictHostKeyChecking=no -o BatchMode=yes \
             -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            self.port
        )
    }

    /// A daemon of rsync with the module `engines`; `None` where there is no rsync.
    pub(crate) fn daemon(engines: &Path) -> Option<Self> {
        let rsync: PathBuf = skip::program("rsync")?;
        Some(Self::start(|dir, port| {
            // As root it would take another user, who may not get there.
            let user = if skip::is_root() {
                "uid = root\ngid = root\n"
            } else {
                ""
            };
            let path = engines.display();
            let config =
                format!("{user}use chroot = no\n[engines]\npath = {path}\nread only = yes\n");
            fs::write(dir.join("config"), config).unwrap();
            let mut command = Command::new(&rsync);
            command
                .args(["--daemon", "--no-detach", "--address=127.0.0.1"])
                .arg(format!("--port={port}"))
                .arg(format!("--config={}", dir.join("config").display()));
            command
        }))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
