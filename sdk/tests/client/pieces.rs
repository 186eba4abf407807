//! Long `in` lists, and what else goes with conditions.

use connectwise_sdk::{
    Condition, Continuation, ErrorKind, PagingMode,
    conditions::{custom_field, field},
};
use futures::StreamExt as _;

use crate::server::{Reply, Server};

/// 1,000,000 and up: seven digits and a comma each.
fn list(length: i64) -> Condition {
    field("company/id").in_(1_000_000..1_000_000 + length)
}

/// The numbers in the `in` list of a request.
fn values(target: &str) -> Vec<i64> {
    let (_, list) = target.split_once("in%20(").unwrap();
    let (list, _) = list.split_once(')').unwrap();
    list.split(',').map(|value| value.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_list_that_is_too_long_for_a_url_is_asked_for_in_pieces() {
    let replies = [
        Reply::page(&[5, 6], Some("<x?pageId=6>; rel=\"next\"")),
        Reply::page(&[9], Some("")),
        Reply::page(&[2], Some("")),
        Reply::page(&[], Some("")),
    ];
    let server = Server::start(replies).await;
    let listing = server.client.list("/x").conditions(field("closedFlag").eq(false) & list(600));
    let pages: Vec<_> = listing.pages().collect().await;
    let last: Vec<bool> = pages.iter().map(|page| page.as_ref().unwrap().is_last()).collect();
    assert_eq!(last, [false, false, false, true]);
    let numbers: Vec<u64> = pages.iter().map(|page| page.as_ref().unwrap().number()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);

    let targets = server.targets();
    assert!(targets.iter().all(|target| target.len() < 2_000 && target.contains("(closedFlag%20%3D%20false%20and%20")));
    assert_eq!(values(&targets[0]), values(&targets[1]), "the second page of the first piece");
    assert!(targets[1].contains("pageId=6") && !targets[2].contains("pageId"));
    let all: Vec<i64> = [0, 2, 3].into_iter().flat_map(|piece| values(&targets[piece])).collect();
    assert_eq!(all, (1_000_000..1_000_600).collect::<Vec<_>>());
    // As few pieces as there can be: one value more would not have fitted.
    assert!(targets[0].len() > 2_000 - 150, "{}", targets[0].len());
}

#[tokio::test]
async fn pieces_are_counted_together() {
    let counts = [Reply::json("{\"count\":4}"), Reply::json("{\"count\":5}"), Reply::json("{\"count\":6}")];
    let server = Server::start(counts).await;
    let rows = server.client.resource::<connectwise_sdk::models::TimeEntry>();
    assert_eq!(rows.list().conditions(list(600)).count().await.unwrap(), 15);
    let all: Vec<i64> = server.targets().iter().flat_map(|target| values(target)).collect();
    assert_eq!(all, (1_000_000..1_000_600).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_piece_is_resumed_where_it_stood() {
    for mode in [PagingMode::ForwardOnly, PagingMode::Keyset] {
        let ends = |ids: &[i64]| Reply::page(ids, Some(""));
        let replies = match mode {
            PagingMode::Keyset => vec![ends(&[3]), ends(&[]), ends(&[7]), Reply::status(404, "")],
            _ => vec![ends(&[3]), Reply::page(&[7], Some("<x?pageId=7>; rel=\"next\"")), Reply::status(404, "")],
        };
        let server = Server::start(replies.into_iter().chain([ends(&[8]), ends(&[]), ends(&[]), ends(&[])])).await;
        let listing = || server.client.list("/x").conditions(list(400)).mode(mode);
        let pages: Vec<_> = listing().pages().collect().await;
        let (error, pages) = pages.split_last().unwrap();
        assert!(error.as_ref().unwrap_err().is_not_found());
        let saved = serde_json::to_string(pages.last().unwrap().as_ref().unwrap().continuation().unwrap()).unwrap();

        let resumed = || listing().resume(serde_json::from_str::<Continuation>(&saved).unwrap());
        // With other fields other pieces would fit: it stays with those that it was begun with.
        let fields = ["x"; 300].join(",");
        let rest: Vec<_> = resumed().fields(fields).pages().take(1).collect().await;
        assert_eq!(rest[0].as_ref().unwrap().records().unwrap().len(), 1);
        let rest: Vec<_> = resumed().pages().collect().await;
        assert!(rest.last().unwrap().as_ref().unwrap().is_last());
        let pages: Vec<_> = listing()
            .resume(serde_json::from_str(&saved.replace("\"to\":", "\"to\":9")).unwrap())
            .pages()
            .collect()
            .await;
        assert_eq!(pages[0].as_ref().unwrap_err().kind(), ErrorKind::Paging);
        assert_eq!(resumed().conditions(list(401)).pages().next_error().await, Some(ErrorKind::Paging));
    }
}

trait NextError {
    async fn next_error(self) -> Option<ErrorKind>;
}

impl<S: futures::Stream<Item = connectwise_sdk::Result<connectwise_sdk::Page>>> NextError for S {
    async fn next_error(self) -> Option<ErrorKind> {
        let mut pages = std::pin::pin!(self);
        pages.next().await?.err().map(|error| error.kind())
    }
}

#[tokio::test]
async fn conditions_of_children_and_custom_fields_have_their_own_parameters() {
    let server = Server::start([Reply::page(&[], Some(""))]).await;
    let listing = server
        .client
        .list("/company/contacts")
        .child_conditions(field("communicationItems/value").ends_with("@example.com"))
        .custom_field_conditions(custom_field("Contract end").is_not_null())
        .version("2020.4");
    let pages: Vec<_> = listing.pages().collect().await;
    pages[0].as_ref().unwrap();
    let seen = server.finish();
    assert_eq!(
        seen[0].target,
        "/api/company/contacts?childConditions=communicationItems/value%20like%20%22%2A%40example.com%22&customFieldConditions=(caption%20%3D%20%22Contract%20end%22%20and%20value%20%21%3D%20null)&pageSize=2"
    );
    assert_eq!(seen[0].headers["accept"], "application/vnd.connectwise.com+json; version=2020.4");
}

#[tokio::test]
async fn a_parameter_of_the_route_goes_with_every_page_and_tells_listings_apart() {
    let replies = [Reply::page(&[1], Some("<x?pageId=1>; rel=\"next\"")), Reply::page(&[2], Some(""))];
    let server = Server::start(replies).await;
    let listing = |kind: &str| server.client.list("/system/documents").parameter("recordType", kind);
    let pages: Vec<_> = listing("Ticket & more").pages().collect().await;
    let targets = server.targets();
    assert_eq!(targets.len(), 2);
    assert!(targets.iter().all(|target| target.contains("recordType=Ticket%20%26%20more")), "{targets:?}");
    let stands = pages[0].as_ref().unwrap().continuation().unwrap().clone();
    let other = listing("Company").resume(stands).pages();
    let refused = std::pin::pin!(other).next().await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Paging);
}

#[tokio::test]
async fn what_the_api_does_not_allow_is_not_sent() {
    let server = Server::start([]).await;
    let listing = || server.client.list("/x");
    let names = field("value").in_(["a"]);
    let table = [
        (
            listing().child_conditions(names.clone() & field("id").eq(1)),
            ErrorKind::Condition,
            "the child conditions of GET /x hold an `in` list, which the API doesn't allow there: join comparisons with or",
        ),
        (
            listing().custom_field_conditions(names),
            ErrorKind::Condition,
            "the custom field conditions of GET /x hold an `in` list, which the API doesn't allow there: join comparisons with or",
        ),
        (listing().version("latest"), ErrorKind::Config, "the API version must look like 2025.8"),
    ];
    for (listing, kind, expected) in table {
        let pages: Vec<_> = listing.pages().collect().await;
        let error = pages[0].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, expected));
    }
    let error = server.client.request(connectwise_sdk::Method::Get, "/x").version("1\r\n").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    server.finish();
}

/// Each piece would come in its own order, and the whole in none.
#[tokio::test]
async fn an_order_of_pieces_is_refused() {
    let server = Server::start([Reply::page(&[2, 1], Some(""))]).await;
    let listing = |length| server.client.list("/x").conditions(list(length)).order_by("name desc");
    let error = std::pin::pin!(listing(600).pages()).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert_eq!(
        error.to_string(),
        "the `in` list of GET /x is too long for one request, and the pieces that it is asked for in don't come in the order of order_by: leave order_by out, or ask for fewer values at once"
    );
    // What fits into one request is in the server's order.
    let page = std::pin::pin!(listing(2).pages()).next().await.unwrap().unwrap();
    assert_eq!(page.records().unwrap().len(), 2);
    server.finish();
}

#[tokio::test]
async fn parameters_of_a_resource_go_with_its_lists_and_counts() {
    let replies = [
        Reply::page(&[], Some("")),
        Reply::json("{\"count\":3}"),
        Reply::json("{\"count\":4}"),
        Reply::json("{\"count\":5}"),
    ];
    let server = Server::start(replies).await;
    let entries = server.client.resource::<connectwise_sdk::models::TimeEntry>().query("recordType", "Ticket & more");
    let pages: Vec<_> = entries.list().parameter("recordId", "7").pages().collect().await;
    assert!(pages[0].as_ref().unwrap().is_last());
    assert_eq!(entries.count().await.unwrap(), 3);
    assert_eq!(entries.list().conditions(field("id").gt(5)).count().await.unwrap(), 4);
    assert_eq!(server.client.list("/system/documents").parameter("recordType", "Ticket").count().await.unwrap(), 5);
    assert_eq!(
        server.targets(),
        [
            "/api/time/entries?recordType=Ticket%20%26%20more&recordId=7&pageSize=2",
            "/api/time/entries/count?recordType=Ticket%20%26%20more",
            "/api/time/entries/count?recordType=Ticket%20%26%20more&conditions=id%20%3E%205",
            "/api/system/documents/count?recordType=Ticket",
        ]
    );
}
