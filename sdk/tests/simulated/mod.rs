//! A client of a simulated server.

use connectwise_sdk::{Client, Config, ConfigParts};
use connectwise_sim::Simulator;

pub(crate) fn client(simulator: &Simulator) -> Client {
    let parts = ConfigParts {
        base_url: Some(simulator.base_url()),
        username: Some(simulator.username().to_owned()),
        password: Some(simulator.password().into()),
        client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        ..ConfigParts::default()
    };
    Client::new(Config::from_parts(parts).unwrap()).unwrap()
}
