//! The program: what it prints, and what it says when it can't start.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_connectwise-sim"))
}

fn fails(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!((status.code(), stdout.as_slice()), (Some(2), b"".as_slice()));
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let expected = format!(
        "connectwise-sim: port {port} of 127.0.0.1 is in use by another program: choose another one, or 0 for a free one\n"
    );
    assert_eq!(fails(program().args(["--port", &port])), expected);
}

#[test]
fn a_missing_samples_folder_and_a_scale_too_large_are_one_clear_sentence() {
    let expected =
        "connectwise-sim: there is no samples folder no/such/folder: name a folder with files like TimeEntry.json\n";
    assert_eq!(fails(program().args(["--samples", "no/such/folder"])), expected);
    for (flags, expected) in [
        (["--prot", "1"], "connectwise-sim: unexpected argument '--prot' found: --help tells what there is\n"),
        (
            ["--port", "x"],
            "connectwise-sim: invalid value 'x' for '--port <PORT>': invalid digit found in string: --help tells what there is\n",
        ),
        (
            ["--faults", "no.toml"],
            "connectwise-sim: the fault script no.toml can't be used: there is no such file, name one that is there\n",
        ),
    ] {
        assert_eq!(fails(program().args(flags)), expected);
    }
    let expected = "connectwise-sim: there is no role king: choose full, mine, without:<path>=<id>, no-info, no-members or no-<module>\n";
    assert_eq!(fails(program().args(["--role", "king"])), expected);
    let expected = "connectwise-sim: last-link is never sideways: choose full, exact, always\n";
    assert_eq!(fails(program().args(["--switch", "last-link=sideways"])), expected);
    assert!(
        fails(program().args(["--switch", "nothing=1"])).contains("there is no switch nothing: choose one of and-or")
    );
    let expected = "connectwise-sim: a scale of 10000001 time entries is too large: choose at most 10000000\n";
    assert_eq!(fails(program().args(["--scale", "10000001"])), expected);
}

#[test]
fn it_prints_the_environment_of_a_client_and_help_has_examples() {
    let mut child = program().args(["--scale", "10", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let environment: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(environment["CW_AUTH_USERNAME"], "simco+public");
    assert!(environment["CW_AUTH_PASSWORD"].is_string() && environment["CW_CLIENTID"].is_string());
    let url = environment["CW_BASE_URL"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/v4_6_release/apis/3.0"));
    let help = String::from_utf8(program().arg("--help").output().unwrap().stdout).unwrap();
    assert!(help.contains("Examples:\n  connectwise-sim "), "{help}");
    assert!(help.contains("Switches, the value in force first:\n  and-or=left-to-right|and-first"), "{help}");
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_one_clear_sentence() {
    for (flag, what) in [("--document", "the interface document"), ("--faults", "the fault script")] {
        let said = fails(program().args([flag, "/dev/zero"]));
        assert!(said.starts_with(&format!("connectwise-sim: {what} /dev/zero can't be ")), "{said}");
        assert!(said.ends_with(": it is larger than 256 MB, name another one\n"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn sigterm_stops_it_as_ctrl_c_does() {
    for signal in ["TERM", "INT"] {
        let mut child = program().args(["--scale", "10"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        // It listens for signals once it has said where it is.
        let mut out = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..4 {
            out.read_line(&mut line).unwrap();
        }
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "SIG{signal}");
    }
}
