//! The typed interface, with a resource made for the test.

use connectwise_sdk::{
    Patch, Record,
    conditions::field,
    resource::{self, Count, Create, Delete, Get, List, Placed, Replace, Resource, Under},
};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use crate::server::{Reply, Server};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Widget {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<Reference>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reference {
    id: i64,
}

impl Record for Widget {
    const NAME: &'static str = "Widget";

    fn id(&self) -> Option<i64> {
        self.id
    }
}

impl Resource for Widget {
    type Record = Self;
    type Place = Placed;
    const PATH: &'static str = "/sales/widgets";
}

impl List for Widget {}
impl Count for Widget {
    const COUNT_PATH: &'static str = "/sales/widgets/count";
}
impl Get for Widget {}
impl Create for Widget {}
impl Replace for Widget {}
impl resource::Patch for Widget {}
impl Delete for Widget {}

fn widget(id: i64, name: &str) -> Widget {
    Widget { id: Some(id), name: name.to_owned(), company: None }
}

#[tokio::test]
async fn every_verb_is_one_request() {
    let one = || Reply::json("{\"id\":7,\"name\":\"a\"}");
    let count = || Reply::json("{\"count\":3}");
    let server = Server::start([one(), one(), one(), one(), Reply::status(204, ""), count(), count()]).await;
    let widgets = server.client.resource::<Widget>();
    let new = Widget { id: None, name: "a".to_owned(), company: None };
    assert_eq!(widgets.get(7).await.unwrap(), widget(7, "a"));
    assert_eq!(widgets.create(&new).await.unwrap(), widget(7, "a"));
    assert_eq!(widgets.replace(7, &widget(7, "a")).await.unwrap(), widget(7, "a"));
    assert_eq!(
        widgets.patch(7, &Patch::new().replace("name", "a").add("tags", 1).remove("company")).await.unwrap(),
        widget(7, "a")
    );
    widgets.delete(7).await.unwrap();
    assert_eq!(widgets.count().await.unwrap(), 3);
    assert_eq!(widgets.list().conditions(field("company/id").eq(5)).count().await.unwrap(), 3);
    let seen: Vec<_> = server
        .finish()
        .iter()
        .map(|seen| format!("{} {} {}", seen.method, seen.target, seen.body).trim_end().to_owned())
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    GET /api/sales/widgets/7
    POST /api/sales/widgets {"name":"a"}
    PUT /api/sales/widgets/7 {"id":7,"name":"a"}
    PATCH /api/sales/widgets/7 [{"op":"replace","path":"name","value":"a"},{"op":"add","path":"tags","value":1},{"op":"remove","path":"company"}]
    DELETE /api/sales/widgets/7
    GET /api/sales/widgets/count
    GET /api/sales/widgets/count?conditions=company/id%20%3D%205
    "#);
}

#[tokio::test]
async fn a_record_that_may_be_missing_is_none() {
    let missing = Reply::status(404, "{\"code\":\"NotFound\",\"message\":\"Widget 8 not found\"}");
    let replies = [Reply::json("{\"id\":7,\"name\":\"a\"}"), missing, Reply::status(403, "")];
    let server = Server::start(replies).await;
    let widgets = server.client.resource::<Widget>();
    assert_eq!(widgets.get_opt(7_i32).await.unwrap(), Some(widget(7, "a")));
    assert_eq!(widgets.get_opt(8_u32).await.unwrap(), None);
    assert!(widgets.get_opt(9).await.unwrap_err().is_forbidden());
    server.finish();
}

#[tokio::test]
async fn a_limit_ends_a_list_and_asks_for_no_more() {
    let page = |ids: &[i64], next: Option<i64>| {
        let records: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id},\"name\":\"a\"}}")).collect();
        let link = next.map_or_else(String::new, |id| format!("<https://h/x?pageId={id}>; rel=\"next\""));
        Reply::json(&format!("[{}]", records.join(","))).header("link", &link)
    };
    let server =
        Server::start([page(&[1], Some(1)), page(&[], None), page(&[1, 2], Some(2)), page(&[3, 4], Some(4))]).await;
    let widgets = server.client.resource::<Widget>();
    assert_eq!(widgets.list().first().await.unwrap(), Some(widget(1, "a")));
    assert_eq!(widgets.list().first().await.unwrap(), None);
    let three = widgets.list().limit(3).page_size(2).collect(3).await.unwrap();
    assert_eq!(three, [widget(1, "a"), widget(2, "a"), widget(3, "a")]);
    let targets = server.targets();
    assert_eq!(targets[0], "/api/sales/widgets?pageSize=1");
    assert_eq!(targets[2], "/api/sales/widgets?pageSize=2");
}

#[tokio::test]
async fn a_bad_record_fails_alone() {
    let server = Server::start([
        Reply::json("[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\",\"company\":{\"id\":\"geheim\"}}]")
            .header("link", "<https://h/x?pageId=2>; rel=\"next\""),
        Reply::json("[{\"id\":3,\"name\":\"c\"}]").header("link", ""),
    ])
    .await;
    let items: Vec<_> = server.client.resource::<Widget>().list().stream().collect().await;
    assert_eq!(items.len(), 3);
    assert_eq!(items[0].as_ref().unwrap(), &widget(1, "a"));
    assert_eq!(items[2].as_ref().unwrap(), &widget(3, "c"));
    let error = items[1].as_ref().unwrap_err();
    assert_eq!(
        error.to_string(),
        "record 2 of GET /sales/widgets can't be read at company.id (expected i64): the other records of its page can"
    );
    let record = error.record().unwrap();
    assert_eq!((record.id, record.json_path.as_str()), (Some(2), "company.id"));
    assert!(!format!("{error:?}").contains("geheim"));
    server.finish();
}

#[tokio::test]
async fn a_stream_ends_in_the_error_that_stopped_it() {
    let server = Server::start([
        Reply::json("[{\"id\":1,\"name\":\"a\"}]").header("link", "<https://h/x?pageId=2>; rel=\"next\""),
        Reply::status(403, ""),
    ])
    .await;
    let items: Vec<_> = server.client.resource::<Widget>().list().stream().collect().await;
    assert_eq!(items.len(), 2);
    assert!(items[0].is_ok() && items[1].as_ref().unwrap_err().is_forbidden());
    server.finish();
}

#[tokio::test]
async fn collecting_is_all_or_nothing() {
    let replies = || {
        [
            Reply::json("[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]")
                .header("link", "<https://h/x?pageId=2>; rel=\"next\""),
            Reply::json("[{\"id\":3,\"name\":\"c\"}]").header("link", ""),
        ]
    };
    let server = Server::start(replies()).await;
    let all = server.client.resource::<Widget>().list().fields("id,name").collect(3).await.unwrap();
    assert_eq!(all, [widget(1, "a"), widget(2, "b"), widget(3, "c")]);
    assert_eq!(server.targets()[0], "/api/sales/widgets?fields=id,name&pageSize=2");

    let server = Server::start(replies()).await;
    let error = server.client.resource::<Widget>().list().collect(2).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /sales/widgets has more than 2 records: raise the limit, narrow the conditions or read it as a stream"
    );
    server.finish();
}

/// The parts of a part: under two parents, with one path that isn't where it is expected.
enum Screw {}

impl Resource for Screw {
    type Record = Widget;
    type Place = Under<Under<Placed>>;
    const PATH: &'static str = "/sales/widgets/{grandparentId}/parts/{parentId}/screws";
}

impl List for Screw {}
impl Count for Screw {
    const COUNT_PATH: &'static str = "/sales/widgets/{grandparentId}/parts/{parentId}/screws/count";
}
impl Get for Screw {
    const GET_PATH: Option<&'static str> = Some("/sales/widgets/{grandparentId}/parts/{parentId}/screws/{id}/info");
}
impl Create for Screw {
    const CREATE_PATH: Option<&'static str> = Some("/sales/widgets/{grandparentId}/parts/{parentId}/screws/");
}
impl Delete for Screw {}

#[tokio::test]
async fn parents_stand_in_the_path_from_the_outside_in() {
    let one = || Reply::json("{\"id\":7,\"name\":\"a\"}");
    let count = || Reply::json("{\"count\":3}");
    let page = Reply::json("[]").header("link", "");
    let server = Server::start([one(), one(), Reply::status(204, ""), count(), count(), page]).await;
    let screws = server.client.resource::<Screw>().under(1).under(2);
    screws.get(7).await.unwrap();
    screws.create(&widget(7, "a")).await.unwrap();
    screws.clone().query("transferContactId", "9").version("2020.4").delete(7).await.unwrap();
    assert_eq!(screws.count().await.unwrap(), 3);
    assert_eq!(screws.list().conditions(field("id").gt(5)).count().await.unwrap(), 3);
    assert_eq!(screws.list().page_size(1000).collect(10).await.unwrap(), []);
    let seen = server.finish();
    assert!(seen[2].headers["accept"].to_str().unwrap().ends_with("version=2020.4"));
    let seen: Vec<_> = seen.iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    assert_eq!(
        seen,
        [
            "GET /api/sales/widgets/1/parts/2/screws/7/info",
            "POST /api/sales/widgets/1/parts/2/screws/",
            "DELETE /api/sales/widgets/1/parts/2/screws/7?transferContactId=9",
            "GET /api/sales/widgets/1/parts/2/screws/count",
            "GET /api/sales/widgets/1/parts/2/screws/count?conditions=id%20%3E%205",
            "GET /api/sales/widgets/1/parts/2/screws?pageSize=1000",
        ]
    );
}
