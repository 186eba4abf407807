//! Operations that are no verb of a resource, called as they are generated, against a simulated server: bulk changes,
//! copies, images and documents, searches by body, bundles.

use connectwise_sdk::models::{
    ApiRequest, BundleRequest, BundleRequestsCollection, CompanyConfiguration, FilterValues, IdCollection, Ticket,
};
use connectwise_sdk::{Bulk, Client, Multipart, Record as _};
use connectwise_sim::Simulator;
use futures::TryStreamExt as _;
use serde_json::{Value, json};

struct Tenant {
    simulator: Simulator,
    client: Client,
}

impl Tenant {
    async fn start() -> Self {
        let simulator = Simulator::builder().scale(60).start().await.unwrap();
        Self { client: Client::new(crate::simulator::config(&simulator)).unwrap(), simulator }
    }

    /// All rows of a list path as the server has them.
    fn truth(&self, path: &str) -> Vec<Value> {
        self.simulator.truth(path).unwrap()
    }
}

#[tokio::test]
async fn a_bulk_change_tells_what_became_of_each_item() {
    let tenant = Tenant::start().await;
    let rows = || tenant.truth("/company/configurations");
    let before = rows();
    let known: CompanyConfiguration = serde_json::from_value(before[0].clone()).unwrap();
    let new = CompanyConfiguration { id: None, name: Some("Printer 7".to_owned()), ..known.clone() };
    let nameless = CompanyConfiguration { id: None, name: None, ..known };

    let answer =
        tenant.client.post_company_configurations_bulk().body(vec![new.clone(), nameless]).send().await.unwrap();
    let bulk = Bulk::of(&answer).unwrap();
    assert_eq!(bulk.items().iter().map(|item| (item.index, item.success)).collect::<Vec<_>>(), [(0, true), (1, false)]);
    let id = bulk.items()[0].id.unwrap();
    assert!(bulk.items()[1].error.to_string().contains("name"), "{}", bulk.items()[1].error);
    assert_eq!(rows().len(), before.len() + 1);

    let id = i32::try_from(id).unwrap();
    let renamed = CompanyConfiguration { id: Some(id), name: Some("Printer 8".to_owned()), ..new };
    let answer = tenant.client.put_company_configurations_bulk().body(vec![renamed]).send().await.unwrap();
    assert!(Bulk::of(&answer).unwrap().is_complete());
    let named = |rows: Vec<Value>| rows.into_iter().find(|row| row["id"] == id).map(|row| row["name"].clone());
    assert_eq!(named(rows()), Some(json!("Printer 8")));

    let ids = IdCollection { ids: Some(vec![id, 999_999_999]), ..IdCollection::default() };
    let answer = tenant.client.delete_company_configurations_bulk().body(ids).send().await.unwrap();
    let bulk = Bulk::of(&answer).unwrap();
    assert_eq!(bulk.failed().map(|item| (item.index, item.status)).collect::<Vec<_>>(), [(1, Some(404))]);
    assert_eq!(named(rows()), None);
}

#[tokio::test]
async fn a_ticket_is_copied_and_found_by_a_search() {
    let tenant = Tenant::start().await;
    let tickets = tenant.client.resource::<Ticket>().list().collect(10_000).await.unwrap();
    let first = tickets.iter().min_by_key(|ticket| ticket.id).unwrap();
    let copy = tenant.client.post_service_tickets_copy().id(first.id().unwrap()).send().await.unwrap();
    assert!(copy.id.is_some() && copy.id != first.id && copy.summary == first.summary);

    let conditions = Some(format!("id = {}", copy.id.unwrap()));
    let filter = FilterValues { conditions, ..FilterValues::default() };
    let found = tenant
        .client
        .post_service_tickets_search()
        .body(filter)
        .with_query("fields", "id,summary")
        .send()
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(|ticket| (ticket.id, &ticket.summary)).collect::<Vec<_>>(),
        [(copy.id, &first.summary)]
    );
}

#[tokio::test]
async fn a_document_goes_up_as_a_form_and_comes_down_as_a_stream() {
    let tenant = Tenant::start().await;
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let form = Multipart::new().text("recordType", "Ticket").text("recordId", "1").text("title", "Numbers").file(
        "file",
        "numbers.bin",
        "application/octet-stream",
        content.clone(),
    );
    let document = tenant.client.post_system_documents().body(form).send().await.unwrap();
    let download = tenant.client.get_system_documents_download().id(document.id().unwrap()).send().await.unwrap();
    let pieces: Vec<_> = download.into_stream().try_collect().await.unwrap();
    assert!(pieces.len() > 1, "it came in one piece");
    assert_eq!(pieces.concat(), content);

    let member = tenant.truth("/system/members")[0]["id"].as_i64().unwrap();
    let image = tenant.client.get_system_members_image().id(member).send().await.unwrap();
    assert_eq!(image.header("content-type"), Some("image/png"));
    let pieces: Vec<_> = image.into_stream().try_collect().await.unwrap();
    assert!(pieces.concat().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_bundle_is_many_lists_in_one_request() {
    let tenant = Tenant::start().await;
    let request = |number: i32, conditions: &str| BundleRequest {
        sequence_number: Some(number),
        resource_type: Some("company".to_owned()),
        api_request: Some(ApiRequest {
            filters: Some(FilterValues { conditions: Some(conditions.to_owned()), ..FilterValues::default() }),
            ..ApiRequest::default()
        }),
        ..BundleRequest::default()
    };
    let requests = vec![request(1, "id = 2"), request(2, "colour = 1")];
    let bundle = BundleRequestsCollection { requests: Some(requests), ..BundleRequestsCollection::default() };
    let answer = tenant.client.post_system_bundles().body(bundle).send().await.unwrap();
    let results = answer.results.unwrap();
    let told: Vec<_> = results.iter().map(|result| (result.sequence_number, result.success)).collect();
    assert_eq!(told, [(Some(1), Some(true)), (Some(2), Some(false))]);
}
