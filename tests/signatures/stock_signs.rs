//! What is left to `ssh-keygen`: keys of an agent, encrypted keys, and those of RSA.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::keygen::{ED25519, Keygen};
use crate::program::Program;
use crate::support::skip;

const ENTRY: &[u8] = br#"{"id":"llamacpp:b4321","engine":"llamacpp","version":"b4321",
    "artifacts":["/opt/x"],"created_ms":1758240000000,"build_flags":[]}"#;

/// A catalog with the known entry.
pub(crate) fn program() -> Program {
    let program = Program::with_catalog();
    assert!(program.output(&["put"], ENTRY).status.success());
    program
}

/// Runs `sign llamacpp/b4321 --key FILE` where `ssh-keygen` is, and with no terminal to ask at. Returns what
/// it prints, and the exit status.
fn sign(program: &Program, keygen: &Keygen, key: &str, socket: Option<&str>) -> (String, i32) {
    let mut command = Command::new("setsid");
    let path = std::env::var_os("PATH").unwrap();
    command
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_engine-catalog"))
        .args(["sign", "llamacpp/b4321", "--key"])
        .arg(keygen.at(key))
        .env_clear()
        .env("PATH", path)
        .env("ENGINE_CATALOG_ROOT", program.root())
        .stdin(Stdio::null());
    if let Some(socket) = socket {
        command.env("SSH_AUTH_SOCK", socket);
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (said, output.status.code().unwrap())
}

/// A real agent, which ends with the test.
struct Agent {
    child: Child,
    socket: String,
}

impl Agent {
    fn new(keygen: &Keygen) -> Option<Self> {
        let program = skip::program("ssh-agent")?;
        let socket = keygen.at("agent").display().to_string();
        let mut child = Command::new(program)
            .args(["-D", "-a", &socket])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        // It listens when it has said where.
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert!(line.contains(&socket), "{line}");
        Some(Self { child, socket })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn agent_signs_for_a_public_key() {
    let Some(keygen) = Keygen::new() else { return };
    let Some(agent) = Agent::new(&keygen) else {
        return;
    };
    let program = program();
    let private = keygen.key("one", ED25519, "");
    let (by_file, status) = sign(&program, &keygen, "one", None);
    assert_eq!(status, 0, "{by_file}");
    let added = Command::new("ssh-add")
        .args(["-q"])
        .arg(&private)
        .env("SSH_AUTH_SOCK", &agent.socket)
        .status();
    assert!(added.unwrap().success());
    std::fs::remove_file(private).unwrap();
    let (said, status) = sign(&program, &keygen, "one.pub", None);
    assert_eq!(status, 1, "nothing has the private key: {said}");
    assert!(
        said.contains("left to ssh-keygen, which has not signed"),
        "{said}"
    );
    let (by_agent, status) = sign(&program, &keygen, "one.pub", Some(&agent.socket));
    assert_eq!(status, 0, "{by_agent}");
    assert_eq!(by_agent, by_file, "Ed25519 signs the same each time");
}

#[test]
fn rsa_and_encrypted_keys_are_left_to_ssh_keygen() {
    let Some(keygen) = Keygen::new() else { return };
    let program = program();
    keygen.key("rsa", ("rsa", "2048"), "");
    keygen.key("encrypted", ED25519, "a passphrase");
    let (said, status) = sign(&program, &keygen, "rsa", None);
    assert_eq!(status, 0, "{said}");
    let line = format!("me {}\n", keygen.public("rsa"));
    let signers = keygen.write("allowed", line).display().to_string();
    let listed = program.stdout(&["signatures", "llamacpp/b4321", "--signers", &signers]);
    assert!(listed.0.starts_with(&said[..64]), "{said} {listed:?}");
    assert_eq!(listed.1, 0);
    // There is no terminal at which to give the passphrase.
    let (said, status) = sign(&program, &keygen, "encrypted", None);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("which has not signed: exit status"), "{said}");
    // And no ssh-keygen, in an environment without PATH of its own.
    for key in ["rsa", "encrypted", "rsa.pub"] {
        let path = keygen.at(key).display().to_string();
        let mut command = program.command();
        command.args(["sign", "llamacpp/b4321", "--key", &path]);
        let output = command.env("PATH", "/nowhere").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("which is not installed"), "{said}");
        assert_eq!(output.status.code(), Some(3));
    }
}
