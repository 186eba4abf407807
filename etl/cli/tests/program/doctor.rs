//! `connectwise-etl doctor` as people see it.

use std::process::Command;

use connectwise_sim::Simulator;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_it_in_a_table_and_as_json_and_shows_no_secret() {
    let simulator = Simulator::builder().seed(3).scale(300).role("no-finance,mine").start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], password: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"));
        command.env_clear().current_dir(folder.path()).args(arguments);
        command
            .env("CW_BASE_URL", simulator.base_url())
            .env("CW_AUTH_USERNAME", simulator.username())
            .env("CW_AUTH_PASSWORD", password)
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000");
        let output = tokio::task::block_in_place(|| command.output().unwrap());
        let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains(password) && !told.contains("public"), "{told}");
        (output.status.code(), told)
    };
    let (code, text) = run(&["doctor"], simulator.password());
    assert_eq!(code, Some(1));
    for part in ["✓ credentials: the server lets us in", "no (403)", "Accounting Interface", "Inquire = All"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let (code, json) = run(&["doctor", "--json", "--entities", "TimeEntry"], simulator.password());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["health"], &json["entities"][0]["access"]), (Some(0), &"good".into(), &"readable".into()));
    let (code, _) = run(&["doctor"], "wrong-key");
    assert_eq!(code, Some(3));
    let (code, message) = run(&["doctor", "--entities", "Nothing"], simulator.password());
    assert_eq!(code, Some(2), "{message}");

    // The block that fits the role makes it a good one, and is never written over what is there.
    let file = folder.path().join("connectwise-etl.toml");
    let some = ["doctor", "--include", "TimeEntry,Invoice,Agreement*", "--write-config"];
    let (code, text) = run(&some, simulator.password());
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(code == Some(1) && text.contains("connectwise-etl.toml was made"), "{text}");
    let optional =
        "optional = [\"Agreement\", \"AgreementAddition\", \"AgreementAdjustment\", \"AgreementType\", \"Invoice\"]";
    assert!(written.contains("[load]\n#") && written.contains(optional), "{written}");
    let (code, text) = run(&some, simulator.password());
    assert!(code == Some(0) && text.contains("which is optional"), "{text}");
    assert!(text.contains("was left as it is") && text.contains(optional), "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    let (code, message) = run(&["run", "--exclude", "Compnay"], simulator.password());
    assert!(code == Some(2) && message.contains("did you mean Company"), "{message}");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}
