//! A verb before all parents of a resource are named, and a parent that a resource doesn't have.

use connectwise_sdk::Client;
use connectwise_sdk::models::{Addition, ConfigurationTypeQuestionValue, TimeEntry};

fn parents(client: Client) {
    let _ = client.resource::<Addition>().list();
    let _ = client.resource::<ConfigurationTypeQuestionValue>().under(1).list();
    let _ = client.resource::<TimeEntry>().under(250);
}

fn main() {}
