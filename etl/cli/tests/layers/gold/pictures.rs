//! The numbers in the report's pictures of gold, over the hand-made tenant: each was added up by hand from its silver rows.

use std::process::Command;

use connectwise_etl::report;

use super::tenant::{Tenant, instant};

#[tokio::test]
async fn pictures_say_what_the_rows_add_up_to() {
    let tenant = Tenant::small().await;
    let output = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"))
        .args(["run", "--layers", "gold", "--lakehouse", tenant.path().to_str().unwrap()])
        .env_clear()
        .current_dir(tenant.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let page = report::html(&tenant.lake, instant("2024-07-01T06:00:00Z")).await.unwrap().unwrap();
    for said in [
        // Hours by month: entries 10; 9; 1, 2, 3, 4, 6, 7, 11 and 13, of which 1, 7 and 13 are billable.
        "2024-01: 1 h, 100 % billable",
        "2024-02: 2 h, 100 % billable",
        "2024-06: 14 h, 43 % billable",
        "57 % of 16 h are billable.",
        // Utilisation: entry 12 is all that lies within 90 days of the newest work. October to December have 64 weekdays
        // from the 3rd on, less the 24th, 25th, 26th and 31st of December.
        "Anna Ásdísardóttir",
        "0 % of 480 h",
        // Margin by company: entries 4 (11900 less 16.665) and 13 (80); expense 3 (15) and the refund (-10 less -4).
        "Acme: 11,963 (100 %)",
        "Beta: 9 (180 %)",
        "Counted are the lines of invoices",
        // Coverage: 6, 7 and 13; 5 and 11; 1 and 10; 9; 3 and 4; 2 and 12.
        "unknown: 5 h, 32 %, worth 102",
        "no agreement: 4 h, 25 %, worth 100",
        "billable: 3 h, 19 %, worth 200",
        "operations: 2 h, 13 %, worth 120",
        "internal: 1 h, 8 %, worth 7,933",
        "prepaid: 0 h, 3 %, worth -100",
        // Unbilled: 1 (200), 7 (21), expense 1 (35060.5) and product 8 (3.3333) of June, 10 (no rate) of January. Entry 9
        // is work under an agreement of operations.
        ">35,285 in 4 lines<",
        ">0 in 1 lines<",
        ">up to 30 days<",
        ">more than 90 days<",
    ] {
        assert!(page.contains(said), "the page lacks {said:?}");
    }
    assert!(!page.contains(">61 to 90 days<"));

    let later = report::html(&tenant.lake, instant("2024-09-01T06:00:00Z")).await.unwrap().unwrap();
    assert!(later.contains(">61 to 90 days<") && later.contains(">35,285 in 4 lines<"));
}
