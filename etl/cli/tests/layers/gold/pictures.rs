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
        // Hours by month: entries 10; 9; 1, 2, 3, 4, 6, 7, 11, 13 and 28 to 36, of which 1, 7, 13 and 28 to 36 are billable.
        "2024-01: 1 h, 100 % billable",
        "2024-02: 2 h, 100 % billable",
        "2024-06: 29 h, 73 % billable",
        "78 % of 31 h are billable.",
        // Utilisation: entry 12 is all that lies within 90 days of the newest work. October to December have 64 weekdays
        // from the 3rd on, less the 24th, 25th, 26th and 31st of December.
        "Anna Ásdísardóttir",
        "0 % of 480 h",
        // Margin by company: entries 4 (11900 less 16.665), 13 (80) and 35 (0), product 12 (60 less 40), and the invoices 507
        // (6250) and 508 (-40); expense 3 (15), the refund (-10 less -4) and invoice 510 (110); the fee of invoice 505.
        "Acme: 18,193 (100 %)",
        "Beta: 119 (103 %)",
        "Gamma: 1,500 (100 %)",
        "Counted is the revenue of invoices",
        // Of 20,022: entries 4, 13 and 36, products 6 and 12, expenses 3 and 8 (12152); invoice 505; 507, 508, 509 and 510.
        ">12,152, 61 %<",
        ">1,500, 7 %<",
        ">6,370, 32 %<",
        // What is still to pay, years later: 500, 501, 505, 507, 508, 510 and 513.
        ">19,026 on 7 invoices<",
        // Coverage: 6, 7 and 13; 5, 11 and 28 to 36; 1 and 10; 9; 3 and 4; 2 and 12.
        "unknown: 5 h, 16 %, worth 102",
        "no agreement: 19 h, 62 %, worth 1,350",
        "billable: 3 h, 10 %, worth 200",
        "operations: 2 h, 6 %, worth 120",
        "internal: 1 h, 4 %, worth 7,933",
        "prepaid: 0 h, 2 %, worth -100",
        // Unbilled: 1 (200), 7 (21), 31 (150), expense 1 (35060.5) and product 8 (3.3333) of June, 28 (300) of its first day,
        // 10 (not known) of January. Entry 9 is work under an agreement of operations.
        ">35,435 in 5 lines<",
        ">300 in 1 lines<",
        ">0 in 1 lines<",
        ">up to 30 days<",
        ">more than 90 days<",
    ] {
        assert!(page.contains(said), "the page lacks {said:?}");
    }
    assert!(!page.contains(">61 to 90 days<"));

    let later = report::html(&tenant.lake, instant("2024-09-01T06:00:00Z")).await.unwrap().unwrap();
    assert!(later.contains(">61 to 90 days<") && later.contains(">35,435 in 5 lines<"));
}
