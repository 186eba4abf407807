//! Bronze, whose rows only the server has.

use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Mode, StepOutcome};

use super::{Harm, Harmed, Tenant, run, said};

/// What it is tried with: a full run after each takes its time.
const HARMS: [Harm; 6] =
    [Harm::FileMissing, Harm::FileCut, Harm::CommitCut, Harm::CommitEmpty, Harm::CommitMissing, Harm::CheckpointBroken];

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_again_by_a_full_run_and_an_incremental_one_says_so() {
    let tenant = Tenant::shared().await;
    for harm in HARMS {
        let when = format!("{harm:?}");
        let (_folder, lake) = tenant.copy();
        let mut tables = vec![("TimeEntry", TableName::bronze("timeentry"))];
        // A list below rows goes its own way, and in one of the cases.
        tables.extend((harm == Harm::CommitCut).then(|| ("AgreementAddition", TableName::bronze("agreementaddition"))));
        let harmed: Vec<TableName> = tables.iter().map(|(_, table)| table.clone()).collect();
        let harmed = Harmed::by(harm, &lake, &harmed).await;
        let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
        if harm.is_harmless() {
            harmed.assert_mended(&report, &lake, &when);
        } else {
            assert_eq!(report.exit_code(), 1, "{when}");
            for (name, table) in &tables {
                let step = report.steps.iter().find(|step| step.layer == Layer::Bronze && step.table == table.name);
                let StepOutcome::Failed(why) = &step.unwrap().outcome else { panic!("{when}: {step:?}") };
                assert!(why.contains(&format!("run --full --entities {name}")), "{when}: {why}");
                assert!(why.contains("data file") || why.contains("log"), "{when}: {why}");
            }
            harmed.assert_kept(&lake, &when);
            let report = run(&lake, Some(&tenant.simulator), Mode::Full).await;
            harmed.assert_mended(&report, &lake, &when);
        }
        tenant.assert_bronze(&lake, &when).await;
        tenant.assert_silver(&lake, false).await;
        tenant.assert_gold(&lake, false).await;
        if harm == Harm::FileMissing {
            // And from there on as ever.
            let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
            assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
            tenant.assert_bronze(&lake, &when).await;
        }
    }
}
