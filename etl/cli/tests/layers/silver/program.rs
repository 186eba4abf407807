//! The policy as a project configures it, through the program.

use std::path::Path;
use std::process::{Command, Output};

use connectwise_sim::Simulator;

fn program(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_connectwise-etl"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_policy_that_can_not_work_is_one_sentence_before_anything_is_touched() {
    for (config, sentence) in [
        (
            "[privacy]\npersonal = \"hash\"",
            "[privacy] hashes columns and there is no key for it: set CW_PRIVACY_KEY to a secret text of at least 16 \
             characters, and keep it, since another key gives other hashes",
        ),
        (
            "[privacy.columns]\n\"Contact.brithDay\" = \"keep\"",
            "[privacy.columns] names \"Contact.brithDay\": silver of Contact has no column \"brithDay\": did you mean birthDay",
        ),
        (
            "[privacy]\npersonal = \"hide\"",
            "the configuration connectwise-etl.toml is wrong in line 2: unknown variant `hide`, expected one of `keep`, `hash`, `drop`",
        ),
        (
            "[privacy]\nkey = \"geheim\"",
            "the configuration connectwise-etl.toml is wrong in line 2: unknown field `key`, expected one of `personal`, `names`, \
             `secrets`, `columns`",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("connectwise-etl.toml"), config).unwrap();
        let output = program(folder.path(), &["run", "--layers", "silver"], &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.starts_with(&format!("error: {sentence}")) && said.lines().count() == 1, "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was touched");
    }
}

#[test]
fn the_schema_of_silver_says_what_the_policy_makes_of_each_column() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("connectwise-etl.toml"),
        "[privacy]\npersonal = \"hash\"\n[privacy.columns]\n\"Member.homeEmail\" = \"drop\"",
    )
    .unwrap();
    let lines = text(&program(folder.path(), &["schema", "Member", "--layer", "silver"], &[]).stdout);
    let line = |name: &str| {
        let found = lines.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("homePhone"), "homePhone string personal: hash");
    assert_eq!(line("homeEmail"), "homeEmail string personal: drop");
    assert_eq!(line("hourlyCost"), "hourlyCost decimal(19,4) keep");
    assert_eq!(line("password"), "password - secret");
    let all = text(&program(folder.path(), &["schema", "--layer", "silver", "--json"], &[]).stdout);
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    let member = all.as_array().unwrap().iter().find(|table| table["entity"] == "Member").unwrap();
    assert!(member["privacy"].as_str().unwrap().starts_with("secret: password, token"), "{member}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_can_be_kept_out_of_bronze_too() {
    let simulator = Simulator::builder().seed(1).scale(200).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = simulator.base_url();
    let environment = [
        ("CW_BASE_URL", url.as_str()),
        ("CW_AUTH_USERNAME", simulator.username()),
        ("CW_AUTH_PASSWORD", simulator.password()),
        ("CW_CLIENTID", "11111111-2222-3333-4444-555555555555"),
    ];
    let question = "select count(f['value']) as secrets from (select unnest(customFields) as f from bronze_cw_contact) t \
                    where f['type'] = 'Password'";
    let mut answers = Vec::new();
    for config in ["", "[privacy]\nsecrets = \"nowhere\""] {
        std::fs::write(folder.path().join("connectwise-etl.toml"), config).unwrap();
        let run = ["run", "--layers", "bronze,silver", "--entities", "Contact", "--mode", "full"];
        let output = program(folder.path(), &run, &environment);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let asked = program(folder.path(), &["query", question, "--json"], &[]);
        assert_eq!(asked.status.code(), Some(0), "{}", text(&asked.stderr));
        answers.push(serde_json::from_slice::<serde_json::Value>(&asked.stdout).unwrap());
    }
    assert_ne!(answers[0][0]["secrets"], 0, "the tenant has secrets: {answers:?}");
    assert_eq!(answers[1][0]["secrets"], 0, "{answers:?}");
}
