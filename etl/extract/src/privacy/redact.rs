//! Secrets taken out before anything is written: out of bronze's columns, what was rescued, and rejected records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch, StringArray, StructArray, new_null_array,
};
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use connectwise_sdk::catalog::{Entity, Kind, Meaning};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::without_secrets;
use super::name::{is_password_type, is_secret, mentions_secret};
use super::secrets;
use crate::contract::RESCUED;
use crate::error::{Error, Result};

/// Takes the secrets of one entity out of what bronze would hold.
#[derive(Debug, Clone)]
pub struct Redactor {
    entity: &'static Entity,
    /// Names of its declared secrets, at whatever depth they are.
    names: BTreeSet<String>,
}

impl Redactor {
    /// For the rows of an entity.
    pub fn new(entity: &'static Entity) -> Self {
        let last = |path: String| path.rsplit_once('/').map_or(path.clone(), |(_, last)| last.to_owned());
        Self { entity, names: secrets(entity).into_iter().map(last).collect() }
    }

    /// The rows without their secrets.
    pub fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let fault = |error: arrow::error::ArrowError| Error::unredacted(self.entity).with_source(error);
        let mut arrays = Vec::with_capacity(batch.num_columns());
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let declared = self.entity.columns.iter().find(|column| column.name == field.name());
            arrays.push(match declared {
                Some(column) if column.meaning == Meaning::Secret => new_null_array(array.data_type(), array.len()),
                Some(column) => self.array(&column.kind, array)?,
                None if field.name() == RESCUED => self.texts(array, Self::rescued)?,
                None => array.clone(),
            });
        }
        RecordBatch::try_new(batch.schema(), arrays).map_err(fault)
    }

    /// A rejected record without its secrets. What can't be read can't be searched either, so it isn't kept.
    pub fn record(&self, text: &str) -> String {
        let withheld =
            |what: &str| format!("withheld, since it may hold a secret: {} bytes that are no {what}", text.len());
        match serde_json::from_str::<Value>(text) {
            Ok(value) if !value.is_object() => withheld("object"),
            Ok(_) => self.json(text).unwrap_or_else(|| text.to_owned()),
            Err(_) => withheld("JSON"),
        }
    }

    fn array(&self, kind: &Kind, array: &ArrayRef) -> Result<ArrayRef> {
        let fault = |error: arrow::error::ArrowError| Error::unredacted(self.entity).with_source(error);
        match kind {
            Kind::Struct(columns) => {
                let parent = array.as_struct_opt().ok_or_else(|| self.foreign(array))?;
                let mut children: Vec<ArrayRef> = Vec::with_capacity(columns.len());
                for (field, child) in parent.fields().iter().zip(parent.columns()) {
                    let declared = columns.iter().find(|column| column.name == field.name());
                    children.push(match declared {
                        Some(column) if column.meaning == Meaning::Secret => {
                            new_null_array(child.data_type(), child.len())
                        }
                        Some(column) if column.name == "value" => {
                            let child = self.array(&column.kind, child)?;
                            match parent.column_by_name("type").and_then(|kinds| kinds.as_string_opt::<i32>()) {
                                Some(kinds) => nullif(&child, &passwords(kinds)).map_err(fault)?,
                                None => child,
                            }
                        }
                        Some(column) => self.array(&column.kind, child)?,
                        None => child.clone(),
                    });
                }
                let rebuilt = StructArray::try_new(parent.fields().clone(), children, parent.nulls().cloned());
                Ok(Arc::new(rebuilt.map_err(fault)?))
            }
            Kind::List(element) if matches!(**element, Kind::Struct(_) | Kind::Json | Kind::List(_)) => {
                let list = array.as_list_opt::<i32>().ok_or_else(|| self.foreign(array))?;
                let DataType::List(field) = list.data_type() else { return Err(self.foreign(array)) };
                let values = self.array(element, list.values())?;
                let rebuilt = ListArray::try_new(field.clone(), list.offsets().clone(), values, list.nulls().cloned());
                Ok(Arc::new(rebuilt.map_err(fault)?))
            }
            Kind::Json => self.texts(array, |redactor, text| Ok(redactor.json(text))),
            _ => Ok(array.clone()),
        }
    }

    /// Texts, those that mention a secret rewritten by `without`; `None` leaves a text as it is.
    fn texts(&self, array: &ArrayRef, without: impl Fn(&Self, &str) -> Result<Option<String>>) -> Result<ArrayRef> {
        let texts = array.as_string_opt::<i32>().ok_or_else(|| self.foreign(array))?;
        if !texts.iter().flatten().any(mentions_secret) {
            return Ok(array.clone());
        }
        let rewritten = texts.iter().map(|text| {
            let Some(text) = text else { return Ok(None) };
            Ok(Some(without(self, text)?.unwrap_or_else(|| text.to_owned())))
        });
        Ok(Arc::new(rewritten.collect::<Result<StringArray>>()?))
    }

    /// A column that isn't as the decoder makes it. Its secrets aren't found, so the rows may not be kept.
    fn foreign(&self, array: &ArrayRef) -> Error {
        let entity = self.entity.name;
        Error::internal(&format!("secrets of {entity} were to be taken out of a column of type {}", array.data_type()))
    }

    fn json(&self, text: &str) -> Option<String> {
        without_secrets(text, &|name| self.is_secret(name))
    }

    /// What was rescued without what is called like a secret. Other values stay the text that they are, to the digit.
    fn rescued(&self, text: &str) -> Result<Option<String>> {
        let fault = |error: serde_json::Error| Error::unredacted(self.entity).with_source(error);
        let rescued: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).map_err(fault)?;
        let mut kept: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
        for (pointer, value) in rescued {
            if pointer.split('/').any(|step| self.is_secret(step)) {
                continue;
            }
            let rewritten = self.json(value.get()).map(RawValue::from_string).transpose().map_err(fault)?;
            kept.insert(pointer, rewritten.unwrap_or(value));
        }
        serde_json::to_string(&kept).map(Some).map_err(fault)
    }

    fn is_secret(&self, name: &str) -> bool {
        is_secret(name) || self.names.contains(name)
    }
}

fn passwords(kinds: &StringArray) -> BooleanArray {
    kinds.iter().map(|kind| Some(kind.is_some_and(is_password_type))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog;
    use crate::decode::{Decoder, rebuild};
    use crate::privacy::SecretStorage;

    #[test]
    fn a_batch_keeps_everything_but_its_secrets() {
        let entity = catalog::entity("Member").unwrap();
        let started = "2024-07-01T00:00:00Z".parse().unwrap();
        let mut decoder = Decoder::new(entity, "run", started).unwrap().storing(SecretStorage::Nowhere);
        let record = |password: Value| {
            json!({
                "id": 7, "identifier": "anna", "password": password, "token": "geheim", "newPassword": "geheim",
                "customFields": [
                    {"id": 1, "caption": "Door", "type": "Password", "value": "geheim"},
                    {"id": 2, "caption": "Shoe", "type": "Number", "value": 38}
                ],
                "_free": {"apiKey": "geheim", "colour": "blue", "size": 1.10}
            })
            .to_string()
        };
        for password in [json!("geheim"), json!({"is": "geheim"})] {
            let text = RawValue::from_string(record(password)).unwrap();
            decoder.push(&text).unwrap().unwrap();
        }
        let batch = decoder.batch().unwrap();
        for row in 0..2 {
            let record: Value = serde_json::from_str(&rebuild(entity, &batch, row).unwrap()).unwrap();
            assert_eq!(
                record,
                json!({
                    "id": 7, "identifier": "anna",
                    "customFields": [
                        {"id": 1, "caption": "Door", "type": "Password"},
                        {"id": 2, "caption": "Shoe", "type": "Number", "value": 38}
                    ],
                    "_free": {"colour": "blue", "size": 1.1}
                })
            );
        }
    }

    #[test]
    fn rows_in_which_no_secret_can_be_found_are_not_kept() {
        let entity = catalog::entity("Member").unwrap();
        let redactor = Redactor::new(entity);
        let rescued = |array: ArrayRef| RecordBatch::try_from_iter([(RESCUED, array)]).unwrap();
        let viewed: ArrayRef = Arc::new(arrow::array::StringViewArray::from(vec![r#"{"/password":"geheim"}"#]));
        let error = redactor.batch(&rescued(viewed)).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Internal, "{error:?}");
        assert!(!error.report().contains("geheim"), "{error:?}");
        let broken: ArrayRef = Arc::new(StringArray::from(vec![r#"{"/password":"geheim"#]));
        let error = redactor.batch(&rescued(broken)).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Contract, "{error:?}");
        assert!(!error.report().contains("geheim"), "{error:?}");
    }

    #[test]
    fn a_rejected_record_keeps_its_place_without_its_secrets() {
        let entity = catalog::entity("Member").unwrap();
        let started = "2024-07-01T00:00:00Z".parse().unwrap();
        let mut decoder = Decoder::new(entity, "run", started).unwrap().storing(SecretStorage::Nowhere);
        let text = RawValue::from_string(r#"{"identifier":"anna","password":"geheim"}"#.to_owned()).unwrap();
        let rejected = decoder.push(&text).unwrap().unwrap_err();
        assert_eq!(rejected.text, r#"{"identifier":"anna"}"#);
        assert_eq!(
            Redactor::new(entity).record("{password: geheim"),
            "withheld, since it may hold a secret: 17 bytes that are no JSON"
        );
        for (text, expected) in [
            // Of equal names the first one is in the text, too.
            (r#"{"a":{"password":"geheim"},"a":1}"#, r#"{"a":1}"#),
            (r#"{"f":{"type":"Password","value":"geheim"},"f":2}"#, r#"{"f":2}"#),
            (r#"{"a":1.10,"a":2}"#, r#"{"a":1.10,"a":2}"#),
            (r#""geheim""#, "withheld, since it may hold a secret: 8 bytes that are no object"),
            (r#"[["geheim"]]"#, "withheld, since it may hold a secret: 12 bytes that are no object"),
        ] {
            assert_eq!(Redactor::new(entity).record(text), expected, "{text}");
        }
    }
}
