//! The numbers in the report's pictures of gold, over the hand-made tenant: each was added up by hand from its silver rows.

use std::process::Command;

use connectwise_etl::report;
use connectwise_pipeline::gold::OwnModels;
use connectwise_pipeline::measures::Catalog;

use super::tenant::{Tenant, instant};

#[tokio::test]
async fn pictures_say_what_the_rows_add_up_to() {
    let tenant = Tenant::small().await;
    // As `configured` has it.
    let configured = "[gold]\nagreement_rules = \"icelandic-msp\"\nholiday_calendars = [\"IS\"]\n";
    std::fs::write(tenant.path().join("connectwise-etl.toml"), configured).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"))
        .args(["run", "--layers", "gold", "--lakehouse", tenant.path().to_str().unwrap()])
        .env_clear()
        .current_dir(tenant.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let catalog = Catalog::load(&OwnModels::default()).unwrap();
    let page = report::html(&tenant.lake, &catalog, instant("2026-01-01T06:00:00Z")).await.unwrap().unwrap();
    // `golden/measures.json` says how these follow. What is open or unbilled has become old since.
    for said in [
        // Entry 12 is the newest work.
        "figures are of 2024-01 to 2024-12",
        "<div class=\"number\">20,022</div><div class=\"soft\">revenue</div>",
        // 3 of 774 + 1838 hours. Anna has 7.5 on 262 weekdays of the year, less 14 holidays, 10.5 hours of those of her calendar and 11.5 hours
        // of time off.
        "<div class=\"number\">0.1 %</div><div class=\"soft\">utilisation</div>",
        // Nothing was billed in the last 90 days.
        "<div class=\"number\">–</div><div class=\"soft\">days sales outstanding</div>",
        "2024-06: revenue 7,912, profit 6,648 (84 %)",
        ">12,080, 60 %<",
        ">1,500, 7 %<",
        ">6,370, 32 %<",
        // What is still to pay: 500, 501, 505, 507, 508, 510 and 513.
        ">19,026 on 7 invoices<",
        // 35734.8333 and 120.
        ">35,855 in 8 lines<",
        "1 of the lines have no known amount",
        "Acme: 18,115 (99 %)",
        "Gamma: 1,420 (95 %)",
        "Internal: 8,925.22 an hour, 1 h",
        "2024-06: 8 opened, 4 closed (50 %)",
        "33 % of 8 tickets, first response 75 min",
        // 8, 9, 21 and 23; nothing tells when 23 was changed.
        ">4, 3 of them stale<",
        "Anna Ásdísardóttir: 0 % of 1,838 h",
        "no agreement: 41 h, 78 %, cost 1,100",
        "prepaid: 0 h, 1 %, cost -5",
        "Move: 2 of 40 h (6 %)",
        "invoice with an amount that no line explains",
    ] {
        assert!(page.contains(said), "the page lacks {said:?}");
    }
}
