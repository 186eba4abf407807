//! Commits that the Delta crate can't make and Spark does, written into the log by hand.

use std::fs;
use std::path::Path;

use deltalake::DeltaTable;
use serde_json::{Map, Value, json};

/// Of these rows of a file only what stays is read; there are as many as make the encoding come out even.
const GONE: [u16; 2] = [0, 1];

/// DELETE that writes a deletion vector into the log instead of files without the rows.
pub(crate) async fn delete_first_rows(delta: &DeltaTable, folder: &Path) -> bool {
    let Ok(state) = delta.snapshot() else { return false };
    let Some(file) = state.log_data().into_iter().find(|file| {
        file.num_records().is_some_and(|rows| rows > GONE.len()) && file.deletion_vector_descriptor().is_none()
    }) else {
        return false;
    };
    let remove = serde_json::to_value(file.remove_action(true)).unwrap();
    let vector = json!({
        "storageType": "i",
        "pathOrInlineDv": z85(&bitmap(&GONE)),
        "sizeInBytes": bitmap(&GONE).len(),
        "cardinality": GONE.len(),
    });
    let add = json!({
        "path": remove["path"],
        "partitionValues": remove.get("partitionValues").filter(|values| !values.is_null()).unwrap_or(&json!({})),
        "size": file.size(),
        "modificationTime": file.modification_time(),
        "dataChange": true,
        "stats": file.stats(),
        "deletionVector": vector,
    });
    let features = json!({ "reader": ["deletionVectors"], "writer": ["deletionVectors"] });
    let protocol = protocol(delta, &features);
    commit(
        delta,
        folder,
        "DELETE",
        &[json!({ "protocol": protocol }), json!({ "remove": remove }), json!({ "add": add })],
    )
}

/// `ALTER TABLE ... SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')` and `RENAME COLUMN` in one.
pub(crate) fn map_columns(delta: &DeltaTable, folder: &Path, column: &str) -> bool {
    let Ok(state) = delta.snapshot() else { return false };
    if state.metadata().configuration().contains_key("delta.columnMapping.mode") {
        return false;
    }
    let mut metadata = serde_json::to_value(state.metadata()).unwrap();
    let mut schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    let mut ids = 0;
    number(&mut schema, &mut ids);
    let fields = schema["fields"].as_array_mut().unwrap();
    let Some(field) = fields.iter_mut().find(|field| field["name"] == column) else { return false };
    field["name"] = "renamed".into();
    metadata["schemaString"] = schema.to_string().into();
    metadata["configuration"]["delta.columnMapping.mode"] = "name".into();
    metadata["configuration"]["delta.columnMapping.maxColumnId"] = ids.to_string().into();
    let features = json!({ "reader": ["columnMapping"], "writer": ["columnMapping"] });
    let protocol = protocol(delta, &features);
    commit(delta, folder, "RENAME COLUMN", &[json!({ "protocol": protocol }), json!({ "metaData": metadata })])
}

/// Gives every column, those inside of others included, an id and the name that it has in the files.
fn number(of: &mut Value, ids: &mut u64) {
    match of["type"].as_str() {
        Some("struct") => {
            for field in of["fields"].as_array_mut().unwrap() {
                *ids += 1;
                let name = field["name"].clone();
                field["metadata"]["delta.columnMapping.id"] = (*ids).into();
                field["metadata"]["delta.columnMapping.physicalName"] = name;
                number(&mut field["type"], ids);
            }
        }
        Some("array") => number(&mut of["elementType"], ids),
        Some("map") => {
            number(&mut of["keyType"], ids);
            number(&mut of["valueType"], ids);
        }
        _ => {}
    }
}

/// The protocol of a table with features beside those that it has.
fn protocol(delta: &DeltaTable, features: &Value) -> Value {
    let now = serde_json::to_value(delta.snapshot().unwrap().protocol()).unwrap();
    let with = |name: &str, more: &Value, implied: &[&str]| {
        let mut all: Vec<Value> = match now.get(name).and_then(Value::as_array) {
            Some(some) => some.clone(),
            None => implied.iter().map(|name| (*name).into()).collect(),
        };
        all.extend(more.as_array().unwrap().iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
        all
    };
    // What a table without a list of features may have had.
    let implied = ["appendOnly", "invariants", "checkConstraints"];
    let mut protocol = Map::new();
    protocol.insert("minReaderVersion".to_owned(), 3.into());
    protocol.insert("minWriterVersion".to_owned(), 7.into());
    protocol.insert("readerFeatures".to_owned(), with("readerFeatures", &features["reader"], &[]).into());
    protocol.insert("writerFeatures".to_owned(), with("writerFeatures", &features["writer"], &implied).into());
    protocol.into()
}

fn commit(delta: &DeltaTable, folder: &Path, operation: &str, actions: &[Value]) -> bool {
    let Some(version) = delta.version() else { return false };
    let info = json!({ "commitInfo": {
        "timestamp": chrono::Utc::now().timestamp_millis(), "operation": operation, "engineInfo": "Apache-Spark/3.5.1",
    } });
    let lines = [&info].into_iter().chain(actions).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(folder.join(format!("_delta_log/{:020}.json", version + 1)), lines).is_ok()
}

/// Rows of a file as the Delta protocol writes them down: a map of Roaring bitmaps, here of one with one container.
fn bitmap(rows: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(1_681_511_377_u32.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    // A bitmap without runs: how many containers, then key and size less one of each, where it is, and its values.
    bytes.extend(12_346_u32.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes.extend((u16::try_from(rows.len()).unwrap() - 1).to_le_bytes());
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(rows.iter().flat_map(|row| row.to_le_bytes()));
    bytes
}

/// Four bytes as five letters, as ZeroMQ has it.
fn z85(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let mut text = String::new();
    for four in bytes.chunks_exact(4) {
        let number = u32::from_be_bytes(four.try_into().unwrap());
        text.extend((0..5).rev().map(|power| char::from(LETTERS[(number / 85_u32.pow(power) % 85) as usize])));
    }
    text
}
