//! What the program prints, and where: to terminals, pipes that nobody reads, full disks, devices.

use std::fs::File;
use std::process::{Command, Stdio};

use super::server::{Page, Server};
use super::{program, stdout};

/// A text that would colour, link, name the window and turn round what stands beside it.
const HOSTILE: &str =
    "select chr(27) || '[31m' || chr(155) || '2J' || chr(7) || chr(13) || chr(8238) || 'Þór' || chr(0) as name";

#[test]
fn no_table_says_anything_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |more: &[&str]| stdout(program(folder.path()).args(["query", HOSTILE]).args(more));
    let obeyed = ['\u{1b}', '\u{9b}', '\u{7}', '\r', '\u{202e}', '\0'];
    let table = ask(&[]);
    assert!(table.contains("Þór") && !table.contains(obeyed), "{table:?}");
    ask(&["--output", "table.txt"]);
    let table = std::fs::read_to_string(folder.path().join("table.txt")).unwrap();
    assert!(table.contains("Þór") && !table.contains(obeyed), "{table:?}");
    // Programs get the data: escaped where the form has escapes, and otherwise as it is.
    let name = "\u{1b}[31m\u{9b}2J\u{7}\r\u{202e}Þór\0";
    let json = ask(&["--json"]);
    assert!(!json.contains(obeyed), "{json:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), serde_json::json!([{ "name": name }]));
    let csv = ask(&["--format", "csv"]);
    assert!(csv.contains(name), "{csv:?}");
}

#[test]
fn a_wide_cell_is_cut_in_a_table_alone() {
    let folder = tempfile::tempdir().unwrap();
    let seven = "(values (1), (2), (3), (4), (5), (6), (7))";
    let sql = &format!(
        "select repeat('x', 5000) as notes, 'a' || chr(10) || 'b' as lines from {seven} as a cross join {seven} as b"
    );
    let table = stdout(program(folder.path()).args(["query", sql]));
    assert!(
        table.len() < 49 * 500 && table.lines().count() > 49 && table.contains('…') && table.contains("a↵b"),
        "{} bytes",
        table.len()
    );
    let json = stdout(program(folder.path()).args(["query", sql, "--json"]));
    assert!(json.contains(&"x".repeat(5000)));
}

#[test]
fn a_spreadsheet_computes_nothing_and_gets_no_text_that_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "select * from (values ('=1+1', -5, '+49 30', -1.50), ('plain', 7, '@x', 2.25)) as t(\"=name\", n, phone, amount) order by n";
    let ask = |more: &[&str]| stdout(program(folder.path()).args(["query", sql, "--format", "csv"]).args(more));
    assert_eq!(ask(&[]), "=name,n,phone,amount\n=1+1,-5,+49 30,-1.50\nplain,7,@x,2.25\n");
    assert_eq!(ask(&["--spreadsheet-safe"]), "'=name,n,phone,amount\n'=1+1,-5,'+49 30,-1.50\nplain,7,'@x,2.25\n");
    let mut long = program(folder.path());
    long.args(["query", "select repeat('x', 40000) as notes, 1 as n", "--format", "csv", "--spreadsheet-safe"]);
    let output = long.output().unwrap();
    assert_eq!(output.stdout.len(), "notes,n\n".len() + 32_767 + ",1\n".len());
    let note = String::from_utf8(output.stderr).unwrap();
    assert!(note.starts_with("1 text was cut to the 32,767 characters"), "{note}");

    let server = Server::start(|_| Page {
        body: r#"[{"id":-1,"name":"=HYPERLINK(\"http://x\")","mixed":-2.50},{"id":2,"name":"\tx","mixed":"-3"}]"#
            .to_owned(),
        next: None,
    });
    let mut command = server.configure(program(folder.path()));
    let csv = stdout(command.args(["extract", "things", "--format", "csv", "--spreadsheet-safe"]));
    assert_eq!(csv, "id,name,mixed,_rescued\n-1,\"'=HYPERLINK(\"\"http://x\"\")\",-2.50,\n2,'\tx,'-3,\n");
}

#[test]
fn results_go_into_pipes_links_and_devices_and_replace_none() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("data.csv", folder.path().join("link.csv")).unwrap();
    std::os::unix::fs::symlink("/dev/null", folder.path().join("null")).unwrap();
    let ask = |target: &str| {
        let mut command = program(folder.path());
        stdout(command.args(["query", "select 1 as one", "--format", "csv", "--output", target]))
    };
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    ask("pipe");
    assert_eq!(reader.join().unwrap(), "one\n1\n");
    ask("link.csv");
    ask("null");
    assert_eq!(ask("/dev/stdout"), "one\n1\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("data.csv")).unwrap(), "one\n1\n");
    let links = ["link.csv", "null"].map(|name| folder.path().join(name).symlink_metadata().unwrap().is_symlink());
    assert_eq!(links, [true, true]);
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&pipe.metadata().unwrap().file_type()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "nothing is left beside them");

    let output = program(folder.path()).args(["query", "select 1", "--output", "."]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message, "error: . can't be written: it is a folder: name a file in it\n");
}

#[test]
fn nobody_reads_along_and_the_load_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command
        .args(["demo", "--scale", "100", "-vv", "--lakehouse", "lakehouse"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let rows =
        stdout(program(folder.path()).args(["query", "select count(*) as n from fact_timeentry", "--format", "csv"]));
    assert_eq!(rows, "n\n100\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_load_stands_whose_report_cannot_be_printed() {
    let folder = tempfile::tempdir().unwrap();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for arguments in
        [&["demo", "--scale", "100", "--lakehouse", "lakehouse"][..], &["maintain"], &["maintain", "--json"]]
    {
        let output = program(folder.path()).args(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        let said = "the work is done and stands, but its report isn't complete: ";
        assert_eq!(message.matches(said).count(), 1, "{arguments:?}: {message}");
    }
    let rows =
        stdout(program(folder.path()).args(["query", "select count(*) as n from fact_timeentry", "--format", "csv"]));
    assert_eq!(rows, "n\n100\n");
    // Where the answer is all that was asked for, nothing was done.
    let output = program(folder.path()).args(["query", "select 1"]).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn no_message_holds_a_backtrace() {
    let folder = tempfile::tempdir().unwrap();
    stdout(program(folder.path()).args(["demo", "--scale", "50", "--lakehouse", "lakehouse"]));
    // A data file that isn't one any more.
    let table = folder.path().join("lakehouse/gold/dimcompany");
    for entry in std::fs::read_dir(&table).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "parquet") {
            std::fs::write(&path, "no Parquet at all").unwrap();
        }
    }
    std::fs::write(folder.path().join("lakehouse/gold/dimmember/_delta_log/00000000000000000000.json"), "{").unwrap();
    for arguments in [
        &["query", "select cast(companyName as int) from fact_timeentry"][..],
        &["query", "select nosuch from fact_timeentry"],
        &["query", "select count(companyName) from dimcompany"],
        &["query", "select * from dimmember"],
        &["query", "select * from dimmember", "--json"],
        &["query", "selec 1"],
    ] {
        let output = program(folder.path()).env("RUST_BACKTRACE", "1").args(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_ne!(output.status.code(), Some(0), "{arguments:?}: {message}");
        assert!(!message.to_lowercase().contains("backtrace"), "{arguments:?}: {message}");
        assert!(!message.contains(".rs:") && !message.contains("\n   0:"), "{arguments:?}: {message}");
    }
    // What the run leaves in the ledger, and so in the report, is of the same sentences.
    let mut run = program(folder.path());
    run.env("RUST_BACKTRACE", "1").args(["run", "--layers", "silver,gold", "--full"]);
    run.output().unwrap();
    let told = stdout(program(folder.path()).args(["query", "select error, warnings from etl_steps", "--json"]));
    assert!(!told.contains("backtrace") && !told.contains(".rs:"), "{told}");
}
