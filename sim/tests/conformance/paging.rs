//! Page numbers and forward-only paging.

use crate::client::{Answer, Client, ENTITIES, ids};

#[tokio::test]
async fn a_page_has_25_rows_unless_asked_and_never_more_than_1000() {
    let client = Client::start(1_200).await;
    for (query, rows) in [
        (vec![], 25),
        (vec![("pageSize", "7")], 7),
        (vec![("pageSize", "1000")], 1_000),
        (vec![("pageSize", "5000")], 1_000),
        (vec![("pagesize", "3")], 3),
        (vec![("pageSize", "")], 25),
    ] {
        assert_eq!(client.get("/time/entries", &query).await.rows().len(), rows, "{query:?}");
        assert_eq!(client.forward("/time/entries", &query).await.rows().len(), rows, "{query:?}");
    }
}

#[tokio::test]
async fn numbered_pages_give_every_row_once_and_empty_ones_past_the_end() {
    let client = Client::start(101).await;
    let truth = ids(&client.truth("TimeEntry").await);
    let mut seen = Vec::new();
    for page in 1..=5 {
        let answer = client.get("/time/entries", &[("pageSize", "25"), ("page", &page.to_string())]).await;
        assert_eq!(answer.link("first").is_some(), page > 1);
        assert_eq!(answer.link("prev").is_some(), page > 1);
        assert_eq!(answer.link("next").is_some(), page < 5);
        assert_eq!(answer.link("last").is_some(), page < 5);
        seen.extend(answer.ids());
    }
    assert_eq!(seen, truth);
    let past = client.get("/time/entries", &[("pageSize", "25"), ("page", "6")]).await;
    assert_eq!((past.status, past.text.as_str()), (200, "[]"));
}

#[tokio::test]
async fn a_single_page_has_no_link_header() {
    let client = Client::start(10).await;
    assert_eq!(client.get("/time/entries", &[]).await.header("link"), None);
}

#[tokio::test]
async fn link_addresses_have_the_live_form() {
    let client = Client::start(100).await;
    let query = [("conditions", "LastUpdated >= [2020-04-01T20:02:28Z]"), ("pageSize", "2")];
    let link = client.get("/company/companies", &query).await.link("next").unwrap();
    assert_eq!(
        link,
        "https://psa.example.com/v4_6_release/apis/3.0//company/companies/?conditions=LastUpdated+%3e%3d+\
         %5b2020-04-01T20%3a02%3a28Z%5d&pageSize=2&page=2"
    );
    let second = client.get("/company/companies", &[query[0], query[1], ("page", "2")]).await;
    assert!(second.link("prev").unwrap().ends_with("&page=1"));
    assert!(second.link("next").unwrap().ends_with("&page=3"));
    // A path with its trailing slash, as in a link, is the same path.
    let slashed = client.get("/company/companies/", &[query[0], query[1], ("page", "2")]).await;
    assert_eq!(slashed.text, second.text);
}

/// Reads on until the `Link` header is there and empty.
async fn read_forward(client: &Client, path: &str, query: &[(&str, &str)]) -> (Vec<i64>, Vec<Answer>) {
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    let mut after = None::<String>;
    loop {
        let mut query = query.to_vec();
        if let Some(after) = &after {
            query.push(("pageId", after));
        }
        let answer = client.forward(path, &query).await;
        let page = answer.ids();
        seen.extend(&page);
        let link = answer.header("link").expect("forward-only answers always have a Link header").to_owned();
        let next = answer.link("next");
        pages.push(answer);
        let Some(next) = next else {
            assert_eq!(link, "");
            return (seen, pages);
        };
        let id = next.rsplit_once("pageId=").unwrap().1.to_owned();
        assert_eq!(id, page.last().unwrap().to_string(), "the next pageId is the last id seen");
        after = Some(id);
    }
}

#[tokio::test]
async fn forward_only_pages_give_every_row_of_every_entity_once() {
    let client = Client::start(300).await;
    for (entity, path) in ENTITIES {
        let truth = ids(&client.truth(entity).await);
        assert!(truth.is_sorted_by(|a, b| a < b), "{entity}");
        let (seen, _) = read_forward(&client, path, &[("pageSize", "7")]).await;
        assert_eq!(seen, truth, "{entity}");
    }
}

#[tokio::test]
async fn a_full_last_page_names_a_next_one_that_is_empty() {
    let client = Client::start(100).await;
    let (seen, pages) = read_forward(&client, "/time/entries", &[("pageSize", "50")]).await;
    assert_eq!((seen.len(), pages.len()), (100, 3));
    assert_eq!(pages[2].text, "[]");
    let (seen, pages) = read_forward(&client, "/time/entries", &[("pageSize", "60")]).await;
    assert_eq!((seen.len(), pages.len()), (100, 2));
}

#[tokio::test]
async fn forward_only_ignores_page_and_a_page_id_alone_asks_for_it() {
    let client = Client::start(100).await;
    let first = client.forward("/time/entries", &[("page", "3"), ("pageSize", "10")]).await;
    assert_eq!(first.text, client.forward("/time/entries", &[("pageSize", "10")]).await.text);
    let last = first.ids()[9].to_string();
    let second = client.get("/time/entries", &[("pageSize", "10"), ("pageId", &last)]).await;
    assert_eq!(second.text, client.forward("/time/entries", &[("pageSize", "10"), ("pageId", &last)]).await.text);
    assert!(second.ids()[0] > first.ids()[9]);
    // Any number is a start, also one that no row has.
    let between =
        client.forward("/time/entries", &[("pageSize", "10"), ("pageId", &(first.ids()[9] - 1).to_string())]).await;
    assert_eq!(between.ids()[0], first.ids()[9]);
    assert_eq!(client.forward("/time/entries", &[("pageId", "999999999")]).await.text, "[]");
    assert_eq!(client.forward("/time/entries", &[("pageId", "0")]).await.ids().len(), 25);
}

#[tokio::test]
async fn forward_only_pages_keep_to_the_conditions() {
    let client = Client::start(400).await;
    let truth: Vec<i64> = client
        .truth("TimeEntry")
        .await
        .iter()
        .filter(|row| row["billableOption"] == "Billable")
        .map(|row| row["id"].as_i64().unwrap())
        .collect();
    let (seen, _) =
        read_forward(&client, "/time/entries", &[("conditions", "billableOption='Billable'"), ("pageSize", "9")]).await;
    assert_eq!(seen, truth);
}

#[tokio::test]
async fn order_by_sorts_numbered_pages_and_is_refused_forward_only() {
    let client = Client::start(200).await;
    let truth = client.truth("TimeEntry").await;
    let ask = async |order: &str| client.get("/time/entries", &[("orderBy", order), ("pageSize", "1000")]).await;
    let mut descending = ids(&truth);
    descending.reverse();
    assert_eq!(ask("id desc").await.ids(), descending);
    assert_eq!(ask("id").await.ids(), ids(&truth));
    let mut sorted = truth.clone();
    sorted.sort_by_key(|row| row["_info"]["lastUpdated"].as_str().unwrap().to_owned());
    assert_eq!(ask("_info/lastUpdated asc").await.ids(), ids(&sorted));
    let mut sorted = truth.clone();
    sorted.sort_by_key(|row| (std::cmp::Reverse(row["company"]["id"].as_i64()), row["id"].as_i64()));
    assert_eq!(ask("company/id desc, id asc").await.ids(), ids(&sorted));
    for order in ["id sideways", "id asc desc", "nothing", "company", "customFields desc"] {
        let answer = ask(order).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("ApiFindCondition")), "{order}");
    }
    assert_eq!(client.forward("/time/entries", &[("orderBy", "id asc")]).await.status, 400);
}

#[tokio::test]
async fn numbers_out_of_range_are_refused() {
    let client = Client::start(10).await;
    for query in
        [("pageSize", "0"), ("pageSize", "-1"), ("pageSize", "many"), ("page", "0"), ("page", "x"), ("pageId", "x")]
    {
        let answer = client.get("/time/entries", &[query]).await;
        assert_eq!(answer.status, 400, "{query:?}");
        assert_eq!(answer.json()["code"], "InvalidObject");
        assert_eq!(answer.json()["errors"][0]["code"], "OutOfRange");
        assert_eq!(answer.json()["errors"][0]["field"], query.0);
    }
    // Past any end, but a number.
    assert_eq!(client.get("/time/entries", &[("page", "18446744073709551615")]).await.text, "[]");
}
