//! What the program takes from its environment, from `.env` and from the configuration file.

use std::path::Path;

use connectwise_sim::Simulator;

use crate::program;

/// The ids of an extract, in a folder with these files and an environment that holds nothing but this; and what was said.
fn extracted(
    folder: &Path,
    files: &[(&str, &str)],
    environment: &[(&str, &str)],
    more: &[&str],
) -> (Option<i32>, usize, String) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let mut command = program(folder);
    command.envs(environment.iter().copied()).args(["extract", "/system/members", "--fields", "id"]).args(more);
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("pri$vate"), "{said}");
    (output.status.code(), output.stdout.iter().filter(|byte| **byte == b'\n').count(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_env_gives_what_nothing_else_says_and_only_in_its_own_folder() {
    let simulator = Simulator::builder().credentials("acme+public", "pri$vate").start().await.unwrap();
    let url = simulator.base_url();
    let secrets =
        "CONNECTWISE_COMPANY_ID=acme\nCW_PUBLIC_KEY='public'\nCW_PRIVATE_KEY=pri$vate\nCW_CLIENT_ID=\"any\"\n";
    let own = tempfile::tempdir().unwrap();
    let configuration = format!("[source]\nbase_url = \"{url}\"\n");

    // The file is planted: the configuration's address holds, and the credentials go nowhere else.
    let planted = format!("{secrets}CW_BASE_URL=http://127.0.0.1:9\nHTTPS_PROXY=http://127.0.0.1:9\n");
    let files = [("connectwise-etl.toml", configuration.as_str()), (".env", &planted)];
    let (code, rows, said) = extracted(own.path(), &files, &[], &["-v"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(rows > 0);
    let told = said.lines().find(|line| line.starts_with("./.env was read")).unwrap();
    for name in ["CONNECTWISE_COMPANY_ID", "CW_PRIVATE_KEY", "CW_BASE_URL"] {
        assert!(told.contains(name), "{told}");
    }
    assert!(said.contains("warning: HTTPS_PROXY in .env has no effect"), "{said}");

    // The environment of the process holds before the file too.
    let (code, _, said) = extracted(own.path(), &[("connectwise-etl.toml", "")], &[("CW_URL", &url)], &[]);
    assert_eq!(code, Some(0), "{said}");

    // A folder below reads none of it.
    let below = own.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let (code, rows, said) = extracted(&below, &[], &[("CW_URL", &url)], &[]);
    assert_eq!(
        (code, rows, said.trim()),
        (Some(2), 0, "error: CW_AUTH_USERNAME is not set: give company+publicKey of the API member")
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn a_file_env_that_others_can_read_is_remarked() {
    use std::os::unix::fs::PermissionsExt;

    let simulator = Simulator::builder().start().await.unwrap();
    let url = simulator.base_url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    let text = "CW_AUTH_USERNAME=simco+public\nCW_AUTH_PASSWORD=private\nCW_CLIENTID=any\n";
    std::fs::write(&file, text).unwrap();
    for (mode, remarked) in [(0o666, true), (0o640, true), (0o604, true), (0o600, false), (0o400, false)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let (code, _, said) = extracted(folder.path(), &[], &[("CW_SITE_URL", &url)], &[]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(
            said.contains(&format!("others on this machine can read it (mode {mode:04o}): chmod 600 .env")),
            remarked,
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_and_spellings_that_people_use_are_understood() {
    let simulator = Simulator::builder().credentials("acme+public", "pri$vate").start().await.unwrap();
    let url = simulator.base_url();
    let host = url.split("/v4_6_release").next().unwrap();
    // printf 'acme+public:pri$vate' | base64
    let basic = "Basic YWNtZStwdWJsaWM6cHJpJHZhdGU=";
    let page = format!("{host}/v2025_1/ConnectWise.aspx?locale=en_US#x");
    let quoted = format!("\"{host}\"");
    let tables: [&[(&str, &str)]; 5] = [
        &[
            ("CW_SITE_URL", host),
            ("CW_COMPANY_ID", "acme"),
            ("CW_PUBLIC_KEY", "public"),
            ("CW_PRIVATE_KEY", "pri$vate"),
            ("CW_CLIENT_ID", "any"),
        ],
        &[
            ("CONNECTWISE_URL", &page),
            ("CONNECTWISE_COMPANY", "acme+public"),
            ("CONNECTWISE_PRIVATE_KEY", "pri$vate"),
            ("CONNECTWISE_CLIENT_ID", "any"),
        ],
        // As `docker --env-file` gives them.
        &[
            ("CW_BASE_URL", &quoted),
            ("CW_AUTH_USERNAME", "'acme + public'"),
            ("CW_AUTH_PASSWORD", "\"pri$vate\""),
            ("CW_CLIENTID", "\"any\""),
            ("CW_RATE", "\"0\""),
        ],
        &[("CW_URL", host), ("CW_AUTH_PASSWORD", basic), ("CW_CLIENTID", "any")],
        &[("CW_URL", host), ("CW_AUTH_USERNAME", "acme+public:pri$vate"), ("CW_CLIENTID", "any")],
    ];
    for environment in tables {
        let folder = tempfile::tempdir().unwrap();
        let (code, rows, said) = extracted(folder.path(), &[], environment, &[]);
        assert_eq!(code, Some(0), "{environment:?}: {said}");
        assert!(rows > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_log_that_cannot_be_read_are_remarked() {
    let simulator = Simulator::builder().credentials("acme+public", "pri$vate").start().await.unwrap();
    let url = simulator.base_url();
    let folder = tempfile::tempdir().unwrap();
    let known = [
        ("CW_SITE_URL", url.as_str()),
        ("CW_AUTH_USERNAME", "acme+public"),
        ("CW_AUTH_PASSWORD", "pri$vate"),
        ("CW_CLIENTID", "any"),
    ];
    for (rules, remarked) in [("connectwise_sdk=loud", true), ("connectwise_sdk=error", false)] {
        let environment: Vec<(&str, &str)> = known.into_iter().chain([("RUST_LOG", rules)]).collect();
        let (code, rows, said) = extracted(folder.path(), &[], &environment, &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(rows > 0, "{said}");
        assert_eq!(said.contains("warning: RUST_LOG has no effect"), remarked, "{said}");
    }
}
