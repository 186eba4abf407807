//! The errors that a beginner makes: one clear sentence, exit code 2, nothing written.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

struct Called {
    code: i32,
    stderr: String,
    folder: TempDir,
}

const CREDENTIALS: [(&str, &str); 4] = [
    ("CW_BASE_URL", "http://127.0.0.1:9"),
    ("CW_AUTH_USERNAME", "acme+key"),
    ("CW_AUTH_PASSWORD", "geheim"),
    ("CW_CLIENTID", "11111111-2222-3333-4444-555555555555"),
];

/// Calls the program in an empty folder with an environment that holds nothing else.
fn call(arguments: &[&str], environment: &[(&str, &str)], files: &[(&str, &str)]) -> Called {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap().replace(folder.path().to_str().unwrap(), "[folder]");
    assert!(!stderr.contains("geheim"), "a secret is shown: {stderr}");
    Called { code: output.status.code().unwrap(), stderr, folder }
}

/// One clear sentence, exit code 2, nothing written.
fn refused(arguments: &[&str], environment: &[(&str, &str)], files: &[(&str, &str)]) -> String {
    let called = call(arguments, environment, files);
    assert_eq!(called.code, 2, "{}", called.stderr);
    assert_eq!(called.stderr.trim_end().lines().count(), 1, "{}", called.stderr);
    assert!(is_untouched(called.folder.path(), files), "something was written");
    let given: Vec<String> = CREDENTIALS
        .iter()
        .filter(|(name, value)| !environment.contains(&(name, value)) && !environment.is_empty())
        .map(|(name, _)| match environment.iter().find(|(given, _)| given == name) {
            Some((_, value)) => format!("{name}={} ", value.replace("geheim", "[secret]")),
            None => format!("{name}= "),
        })
        .collect();
    let files: Vec<String> = files
        .iter()
        .map(|(name, text)| format!("# {name}: {}\n", text.replace("geheim", "[secret]").replace('\n', "; ")))
        .collect();
    format!("{}$ {}connectwise-etl {}\n{}", files.concat(), given.concat(), arguments.join(" "), called.stderr)
}

/// What a person would see, one call after the other.
fn page<const N: usize>(calls: [String; N]) -> String {
    calls.join("\n")
}

fn is_untouched(folder: &Path, files: &[(&str, &str)]) -> bool {
    std::fs::read_dir(folder).unwrap().count() == files.len()
}

fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    CREDENTIALS.into_iter().filter(|(variable, _)| *variable != name).collect()
}

fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut all = without(name);
    all.push((name, value));
    all
}

#[test]
fn a_credential_behind_the_wrong_option_is_not_repeated() {
    let called = call(&["run", "--rate", "geheim"], &CREDENTIALS, &[]);
    assert_eq!(called.code, 2);
    assert!(called.stderr.contains("'[redacted]' for '--rate <N>'"), "{}", called.stderr);
}

#[test]
fn a_missing_credential() {
    insta::assert_snapshot!(page([
        refused(&["run"], &without("CW_BASE_URL"), &[]),
        refused(&["run"], &without("CW_AUTH_USERNAME"), &[]),
        refused(&["run"], &without("CW_AUTH_PASSWORD"), &[]),
        refused(&["run"], &without("CW_CLIENTID"), &[]),
        refused(&["extract", "/time/entries"], &[], &[]),
    ]));
}

#[test]
fn a_bad_url() {
    insta::assert_snapshot!(page([
        refused(&["run"], &with("CW_BASE_URL", "localhost:8080"), &[]),
        refused(&["run"], &with("CW_BASE_URL", "http://api-na.myconnectwise.net"), &[]),
        refused(&["run"], &with("CW_BASE_URL", "https://user:geheim@host"), &[]),
        refused(&["run"], &with("CW_BASE_URL", "https://na.myconnectwise.net/api"), &[]),
        refused(&["run", "--lakehouse", "://"], &CREDENTIALS, &[]),
    ]));
}

#[test]
fn an_unknown_entity_or_layer() {
    insta::assert_snapshot!(page([
        refused(&["run", "--entities", "TimeEntries"], &CREDENTIALS, &[]),
        refused(&["run", "--layers", "bronze,platinum"], &CREDENTIALS, &[]),
        refused(&["schema", "Ticke", "--layer", "bronze"], &[], &[]),
        refused(&["schema", "fact_time", "--layer", "gold"], &[], &[]),
        refused(&["lineage", "fact_time"], &[], &[]),
        refused(&["query", "select * from facts"], &[], &[]),
        refused(&["query", "select * from fact_timeentry"], &[], &[]),
    ]));
}

#[test]
fn a_question_that_would_change_something() {
    insta::assert_snapshot!(page([
        refused(&["query", "create table t as select 1"], &[], &[]),
        refused(&["query", "copy (select 1) to 'x.csv'"], &[], &[]),
        refused(&["query", "selec 1"], &[], &[]),
        refused(&["query", "select 1", "--format", "parquet"], &[], &[]),
    ]));
}

#[test]
fn a_wrong_configuration_file() {
    insta::assert_snapshot!(page([
        refused(&["run"], &CREDENTIALS, &[("connectwise-etl.toml", "lakehouse = \"x\"\nlakhouse = \"y\"\n")]),
        refused(&["run", "--config", "missing.toml"], &CREDENTIALS, &[]),
        refused(&["run"], &CREDENTIALS, &[(".env", "# secrets\nCW_AUTH_PASSWORD geheim\n")]),
        refused(&["run"], &CREDENTIALS, &[(".env", "CW_AUTH_PASSWORD=\"geheim\n")]),
        refused(&["run"], &CREDENTIALS, &[(".env", "CW_AUTH_PASSWORD=geheim\nCW_AUTH_PASSWORD=geheim2\n")]),
    ]));
}

#[test]
fn a_wrong_configuration_of_gold() {
    let refused = |text: &str| refused(&["run"], &CREDENTIALS, &[("connectwise-etl.toml", text)]);
    insta::assert_snapshot!(page([
        refused("[gold]\nfiscal_year_start_month = 13\n"),
        refused("[gold]\nfiscal_year = 7\n"),
        refused("[gold]\ntime_zone = \"Eastern Standard Time\"\n"),
        refused("[gold]\ntime_zone = \"-05:00\"\n"),
        refused("[gold]\nholiday_calendars = [\"US\", \"NO\"]\n"),
        refused("[[gold.holidays]]\ndate = \"24.12.2026\"\nname = \"Office closed\"\n"),
        refused(
            "[[gold.agreement_rules]]\npattern = \"(managed\"\nnormalized = \"operations\"\nbehavior = \"operations\"\n"
        ),
        refused(
            "[[gold.agreement_rules]]\npattern = \"managed\"\nnormalized = \"operations\"\nbehavior = \"operation\"\n"
        ),
        refused(
            "[[gold.agreement_rules]]\npattern = \"managed\"\nnormalised = \"operations\"\nbehavior = \"operations\"\n"
        ),
        refused("[gold]\nagreement_rules = \"icelandic\"\n"),
    ]));
}

#[test]
fn an_extract_without_a_list_or_a_target() {
    insta::assert_snapshot!(page([
        refused(&["extract", "/"], &CREDENTIALS, &[]),
        refused(&["extract", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0/time/entries"], &CREDENTIALS, &[]),
        refused(&["extract", "https://127.0.0.1:9/time/entries"], &CREDENTIALS, &[]),
        refused(&["extract", "time/entries?condition=id=1"], &CREDENTIALS, &[]),
        refused(&["extract", "time/entries?page=2"], &CREDENTIALS, &[]),
        refused(&["extract", "time/entries?orderBy=id", "--order-by", "member/name"], &CREDENTIALS, &[]),
        refused(&["extract", "time/entries", "--spreadsheet-safe"], &CREDENTIALS, &[]),
        refused(&["extract", "time/entries", "--format", "csv", "--output", "missing/time.csv"], &CREDENTIALS, &[]),
        refused(&["extract", "/time/entries", "--format", "parquet"], &CREDENTIALS, &[]),
    ]));
}

#[test]
fn errors_are_json_when_results_are() {
    insta::assert_snapshot!(page([refused(&["run", "--json", "--entities", "x"], &CREDENTIALS, &[]),]));
}

#[test]
fn a_file_env_is_read_and_flags_come_before_it() {
    // The password comes from `.env`; what is refused is the entity, so the credentials were fine.
    let file = "CW_AUTH_PASSWORD=geheim\nCW_LAKEHOUSE=elsewhere\n";
    let message = refused(&["run", "--entities", "x"], &without("CW_AUTH_PASSWORD"), &[(".env", file)]);
    assert!(message.contains("there is no entity"), "{message}");
}

#[test]
fn two_names_of_one_setting_that_disagree_are_named() {
    let mut environment = CREDENTIALS.to_vec();
    environment.push(("CONNECTWISE_PRIVATE_KEY", "geheim2"));
    let message = refused(&["run"], &environment, &[]);
    assert!(message.contains("CW_AUTH_PASSWORD and CONNECTWISE_PRIVATE_KEY are set to different values"), "{message}");
}

#[test]
#[cfg(unix)]
fn a_path_of_windows_makes_no_folder_elsewhere() {
    for file in [r"lakehouse = 'C:\lake'", "lakehouse = 'c:/lake'", r"lakehouse = '\\server\share'"] {
        let message = refused(&["run"], &CREDENTIALS, &[("connectwise-etl.toml", file)]);
        assert!(message.contains("is no place for a lakehouse: it is a path of Windows"), "{message}");
    }
    let message = refused(&["run", "--ca-file", r"C:\ca.pem"], &CREDENTIALS, &[]);
    assert!(message.contains("can't be the file of certificates: it is a path of Windows"), "{message}");
}
