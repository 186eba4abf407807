//! A verb that the API doesn't have for a resource, each of the seven on one that lacks it.

use connectwise_sdk::models::{Member, MyAccount, UnpostedInvoice};
use connectwise_sdk::resources::{CompanyCommunicationTypesByIdUsages, ServiceTicketsByParentIdTimeentries};
use connectwise_sdk::{Client, Patch};

async fn verbs(client: Client, invoice: UnpostedInvoice) {
    let _ = client.resource::<MyAccount>().list();
    let _ = client.resource::<CompanyCommunicationTypesByIdUsages>().under(1).count().await;
    let _ = client.resource::<ServiceTicketsByParentIdTimeentries>().under(1).get(7).await;
    let _ = client.resource::<UnpostedInvoice>().create(&invoice).await;
    let _ = client.resource::<UnpostedInvoice>().replace(7, &invoice).await;
    let _ = client.resource::<UnpostedInvoice>().patch(7, &Patch::new()).await;
    let _ = client.resource::<Member>().delete(7).await;
}

fn main() {}
