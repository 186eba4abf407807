//! Listings as Arrow batches: how large they are, and what becomes of what fails on the way.

use arrow_array::{Array as _, cast::AsArray as _, types::Int32Type};
use connectwise_sdk::ErrorKind;
use connectwise_sdk::arrow::{RESCUED, Tabular as _, batch_to_records};
use connectwise_sdk::models::TimeEntry;
use connectwise_sim::Simulator;
use futures::StreamExt as _;

use crate::server::{Reply, Server};
use crate::simulator::Simulated;

/// What came: the ids of each batch, or the error's kind and record.
type Came = Result<Vec<i32>, (ErrorKind, Option<i64>)>;

async fn batches(server: &Server, rows: usize) -> Vec<Came> {
    let entries = server.client.resource::<TimeEntry>();
    let found: Vec<_> = entries.list().record_batches(rows).collect().await;
    let came = |batch: connectwise_sdk::Result<arrow_array::RecordBatch>| match batch {
        Ok(batch) => {
            assert_eq!(batch.schema(), TimeEntry::arrow_schema());
            Ok(batch.column_by_name("id").unwrap().as_primitive::<Int32Type>().values().to_vec())
        }
        Err(error) => Err((error.kind(), error.record().and_then(|record| record.id))),
    };
    found.into_iter().map(came).collect()
}

#[tokio::test]
async fn batches_have_as_many_rows_as_were_asked_for() {
    let pages = || {
        [
            Reply::page(&[1, 2], Some("<x?pageId=2>; rel=\"next\"")),
            Reply::page(&[3, 4], Some("<x?pageId=4>; rel=\"next\"")),
            Reply::page(&[5], Some("")),
        ]
    };
    for (rows, expected) in [
        (3, vec![vec![1, 2, 3], vec![4, 5]]),
        (5, vec![vec![1, 2, 3, 4, 5]]),
        (8_192, vec![vec![1, 2, 3, 4, 5]]),
        (0, vec![vec![1], vec![2], vec![3], vec![4], vec![5]]),
    ] {
        let server = Server::start(pages()).await;
        let expected: Vec<Came> = expected.into_iter().map(Ok).collect();
        assert_eq!(batches(&server, rows).await, expected);
        server.finish();
    }
    let server = Server::start([Reply::page(&[], Some(""))]).await;
    assert_eq!(batches(&server, 5).await, []);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_alone() {
    let page = r#"[{"id":1},{"id":2,"actualHours":"2.5"},{"id":3,"new":"a"}]"#;
    let server = Server::start([Reply::json(page).header("link", ""), Reply::page(&[], Some(""))]).await;
    assert_eq!(batches(&server, 2).await, [Err((ErrorKind::Decode, Some(2))), Ok(vec![1, 3])]);
    server.finish();
}

#[tokio::test]
async fn a_listing_that_breaks_off_ends_in_its_error() {
    let pages = [
        Reply::page(&[1, 2], Some("<x?pageId=2>; rel=\"next\"")),
        Reply::page(&[3], Some("<x?pageId=3>; rel=\"next\"")),
        Reply::status(403, "{}"),
    ];
    let server = Server::start(pages).await;
    let found = batches(&server, 2).await;
    assert_eq!(found, [Ok(vec![1, 2]), Err((ErrorKind::Status, None)), Ok(vec![3])]);
    server.finish();
}

#[tokio::test]
async fn what_a_server_sends_comes_back_as_it_was() {
    let simulated = Simulated::of(Simulator::builder().unknown_to_document(5_000), |config| config).await;
    let entries = simulated.client.resource::<TimeEntry>();
    let records = entries.list().collect(1_000).await.unwrap();
    let batches: Vec<_> = entries.list().record_batches(10).collect().await;
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.as_ref().unwrap().num_rows()).collect();
    assert_eq!(sizes, [10, 10, 5]);
    let back: Vec<TimeEntry> =
        batches.iter().flat_map(|batch| batch_to_records::<TimeEntry>(batch.as_ref().unwrap()).unwrap()).collect();
    assert_eq!(back, records);
    // Some properties that it sends aren't in the document.
    let rescued = batches[0].as_ref().unwrap().column_by_name(RESCUED).unwrap();
    assert!(rescued.null_count() < rescued.len());
}
