//! Models of a user's project.

use chrono::TimeDelta;
use connectwise_etl::gold::{self, GoldConfig, OwnModels};
use connectwise_etl::lake::{Layer, Upkeep};
use connectwise_etl::maintain;
use connectwise_etl::silver::Mode;
use serde_json::json;

use crate::tenant::{Tenant, silver_of};

const METADATA: &str = r#"
[[model]]
name = "billed"
kind = "view"

[[model]]
name = "hours_by_company"
kind = "fact"
key = "companyName"
columns = "companyName:string! hours:money lines:bigint!"
accepted = { companyName = ["Acme", "Beta", "Gamma", "Only here", "Unknown"] }

[[model]]
name = "dimticket"
kind = "dimension"
key = "TicketKey"
natural = "ticketId"
columns = "TicketKey:bigint! ticketId:int summary:string"
"#;

/// It reads a fact, a dimension, and a view that stands behind it in the file.
const HOURS: &str = "
    select c.companyName, cast(sum(f.actualHours) as decimal(19, 4)) as hours, coalesce(max(b.lines), cast(0 as bigint)) as lines
    from fact_timeentry f
    join dimcompany c on c.CompanyKey = f.CompanyKey
    left join billed b on b.companyName = c.companyName
    where not f.isDeleted
    group by c.companyName";
const BILLED: &str = "select companyName, count(*) as lines from fact_invoiceline where isInvoiced group by companyName -- not dimticket";
const TICKETS: &str =
    "select distinct ticketId, ticketSummary as summary from silver_cw_timeentry where ticketSummary is not null";

/// A project with these files in its folder of models.
fn project(files: &[(&str, &str)]) -> Result<GoldConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let models = OwnModels::read(folder.path()).map_err(|error| error.to_string())?;
    let config = GoldConfig { models, ..GoldConfig::default() };
    let tenant = Tenant::empty();
    let checked = std::thread::scope(|scope| {
        let check = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(gold::check(&tenant.lake, &config))
        };
        scope.spawn(check).join().unwrap()
    });
    let folder = format!("{}/", folder.path().display());
    match checked {
        Ok(()) => Ok(config),
        Err(error) if error.is_usage() => Err(error.to_string().replace(&folder, "")),
        Err(error) => panic!("not the user's fault: {}", error.report()),
    }
}

#[tokio::test]
async fn they_are_built_behind_what_they_read_and_follow_it() {
    let files = [
        ("models.toml", METADATA),
        ("hours_by_company.sql", HOURS),
        ("billed.sql", BILLED),
        ("dimticket.sql", TICKETS),
    ];
    let config = project(&files).unwrap();
    let tenant = Tenant::small().await;
    let report = tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &config).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    assert!(
        report.tests.iter().any(|test| test.table.name == "hours_by_company" && test.test == "companyName is unique")
    );
    let rows = async |table: &str| tenant.own_rows(table, "* except (_etl_gold_processed_at, _etl_batch_id)").await;
    assert_eq!(
        rows("hours_by_company").await,
        [
            // 2 + 1.5 - 1 + 1 hours, and four lines: those of the entries 4, 21 and 22, by their invoice, and 13.
            "Acme | 3.5000 | 4 | silver_cw_agreement",
            "Beta | 4.0000 | 3 | silver_cw_agreement",
            "Gamma | 2.0000 | 0 | silver_cw_agreement",
            "Only here | 1.0000 | 0 | silver_cw_agreement",
            "Unknown | 5.3333 | 0 | silver_cw_agreement",
        ]
    );
    assert_eq!(
        rows("dimticket").await,
        ["-1 | NULL | Unknown | silver_cw_timeentry", "1 | 7 | Printer | silver_cw_timeentry"]
    );

    let mut entries = silver_of("TimeEntry");
    entries[0]["actualHours"] = json!("10");
    tenant.put("TimeEntry", entries).await;
    tenant.build(Mode::Incremental, "2024-07-01T07:00:00Z", &config).await;
    assert_eq!(rows("hours_by_company").await[0], "Acme | 11.5000 | 4 | silver_cw_agreement");

    let upkeep = Upkeep {
        run_id: "upkeep".to_owned(),
        dry_run: true,
        retention: TimeDelta::hours(1),
        orphan_age: TimeDelta::hours(1),
    };
    let kept = maintain::run(&tenant.lake, &[Layer::Gold], &config, &upkeep).await.unwrap();
    assert!(
        ["gold/hours_by_company", "gold/dimticket", "gold/fact_timeentry"]
            .iter()
            .all(|table| kept.tables.iter().any(|kept| kept.table == *table)),
        "{kept:?}"
    );
}

#[test]
fn what_cannot_work_is_one_sentence_before_anything_is_touched() {
    let said = |files: &[(&str, &str)]| project(files).unwrap_err();
    let view = |name: &str| format!("[[model]]\nname = \"{name}\"\nkind = \"view\"\n");
    assert!(project(&[]).is_ok() && project(&[("README.md", "no model")]).is_ok());
    assert_eq!(
        said(&[("mine.sql", "select 1 as one")]),
        "mine.sql is declared nowhere: add a [[model]] mine to models.toml"
    );
    assert_eq!(said(&[("models.toml", &view("mine"))]), "models.toml declares mine, and there is no mine.sql");
    assert_eq!(
        said(&[("models.toml", &view("DimCompany")), ("DimCompany.sql", "select 1 as one")]),
        "models.toml declares DimCompany, a name that is taken: call the model and its file something else"
    );
    assert_eq!(
        said(&[("models.toml", "[[model]]\nname = \"mine\"\nkind = \"cube\"\n"), ("mine.sql", "select 1 as one")]),
        "models.toml is wrong: line 3: unknown variant `cube`, expected one of `view`, `lookup`, `kept`, `dimension`, `calendar`, `fact`"
    );
    let two = format!("{}{}", view("one"), view("two"));
    assert_eq!(
        said(&[("models.toml", &two), ("one.sql", "select * from two"), ("two.sql", "select * from one")]),
        "one.sql and two.sql read each other in a circle"
    );
    let wrong = said(&[("models.toml", &view("mine")), ("mine.sql", "selekt 1")]);
    assert!(wrong.starts_with("mine.sql can't work: the query failed: "), "{wrong}");
    let wrong = said(&[("models.toml", &view("mine")), ("mine.sql", "select * from silver_cw_nothing")]);
    assert!(wrong.starts_with("mine.sql can't work: ") && wrong.contains("silver_cw_nothing"), "{wrong}");
    let fact = "[[model]]\nname = \"mine\"\nkind = \"fact\"\nkey = \"id\"\ncolumns = \"id:int! name:string\"\n";
    assert_eq!(
        said(&[("models.toml", fact), ("mine.sql", "select id, summary from silver_cw_ticket")]).split(": ").next(),
        Some("mine.sql can't work")
    );
    assert_eq!(
        said(&[("models.toml", &fact.replace("\"id\"", "\"no\"")), ("mine.sql", "select 1 as id")]),
        "models.toml declares mine, with the key \"no\", which is none of its columns"
    );
    let input = format!("{fact}inputs = [\"nothing\"]\n");
    assert_eq!(
        said(&[("models.toml", &input), ("mine.sql", "select 1 as id")]),
        "models.toml declares mine, with the input \"nothing\", which is no entity of the lake"
    );
}
