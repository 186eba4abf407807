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
fn a_configuration_that_can_not_work_is_one_sentence_before_anything_is_touched() {
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
        (
            "[silver.extra]\n\"TimeEntry.notes\" = \"string\"",
            "[silver.extra] names \"TimeEntry.notes\": the interface document has it, and silver the column notes",
        ),
        (
            "[silver.extra]\n\"Contact.privateMail\" = \"string\"",
            "[silver.extra] names \"Contact.privateMail\": it is called like personal data, so that [privacy.columns] has to say what \
             becomes of it: \"Contact.privateMail\" = \"keep\", \"hash\" or \"drop\"",
        ),
        (
            "[silver.extra]\n\"TimeEntry.grade\" = \"text\"",
            "the configuration connectwise-etl.toml is wrong in line 2: unknown variant `text`, expected one of `string`, `integer`, \
             `decimal`, `boolean`, `date`, `timestamp`",
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

#[tokio::test(flavor = "multi_thread")]
async fn drift_names_the_line_that_brings_an_unknown_property_into_silver() {
    // One row in ten has a property `introducedLater` that the interface document lacks.
    let simulator = Simulator::builder().seed(2).scale(200).unknown_to_document(1_000).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = simulator.base_url();
    let environment = [
        ("CW_BASE_URL", url.as_str()),
        ("CW_AUTH_USERNAME", simulator.username()),
        ("CW_AUTH_PASSWORD", simulator.password()),
        ("CW_CLIENTID", "11111111-2222-3333-4444-555555555555"),
    ];
    let call = |arguments: &[&str]| {
        let output = program(folder.path(), arguments, &environment);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    call(&["run", "--layers", "bronze,silver", "--entities", "TimeEntry", "--mode", "full"]);
    let line = "\"TimeEntry.introducedLater\" = \"string\"";
    let drift = call(&["drift"]);
    assert!(drift.lines().any(|told| told == line), "{drift}");

    std::fs::write(folder.path().join("connectwise-etl.toml"), format!("[silver.extra]\n{line}\n")).unwrap();
    call(&["run", "--layers", "silver", "--entities", "TimeEntry"]);
    let question = "select count(s.introducedLater) as filled, count(b._rescued) as expected from silver_cw_timeentry s \
                    join bronze_cw_timeentry b on b.id = s.id and b._rescued like '%\"/introducedLater\"%'";
    let asked: serde_json::Value = serde_json::from_str(&call(&["query", question, "--json"])).unwrap();
    assert!(asked[0]["filled"].as_i64() > Some(0) && asked[0]["filled"] == asked[0]["expected"], "{asked}");
    assert!(!call(&["drift"]).contains(line), "it has its column");
    let schema = call(&["schema", "TimeEntry", "--layer", "silver"]);
    assert!(schema.lines().any(|told| told.split_whitespace().eq(["introducedLater", "string", "keep"])), "{schema}");
    let lineage: serde_json::Value =
        serde_json::from_str(&call(&["lineage", "silver_cw_timeentry", "--json"])).unwrap();
    let found = lineage.as_array().unwrap().iter().find(|column| column["column"] == "introducedLater").unwrap();
    assert_eq!(found["from"], serde_json::json!(["bronze_cw_timeentry._rescued"]));
    assert_eq!(found["api"], serde_json::json!(["/time/entries introducedLater"]));
}
