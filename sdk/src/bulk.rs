//! What became of each item of a bulk change, whose answer (207) is a success even if every item failed.

use serde::Serialize;
use serde_json::Value;

use crate::{ApiError, Error, Result, reason::Reason, redact::Redactor};

/// The items of a bulk change's answer, in the order of the answer.
///
/// ```
/// use connectwise_sdk::Bulk;
/// use serde_json::json;
///
/// let answer = json!({"payload": [
///     {"success": true, "statusCode": 201, "originalIndex": 0, "data": {"id": 7}},
///     {"success": false, "statusCode": 400, "originalIndex": 1, "error": {"code": "InvalidObject"}},
/// ]});
/// let bulk = Bulk::of(&answer)?;
/// assert_eq!(bulk.succeeded().filter_map(|item| item.id).collect::<Vec<_>>(), [7]);
/// for item in bulk.failed() {
///     assert_eq!(format!("item {}: {}", item.index, item.error), "item 1: InvalidObject");
/// }
/// # Ok::<(), connectwise_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    items: Vec<BulkItem>,
}

/// One item of a bulk change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkItem {
    /// Place in the list that was sent, from 0: the answer's `originalIndex`, or else the place in the answer.
    pub index: usize,
    /// Whether the server says that it was carried out: by `success`, or else by a status of 200 to 299. What says neither
    /// counts as failed.
    pub success: bool,
    /// HTTP status of the item.
    pub status: Option<u16>,
    /// Id of the record, where the answer has it.
    pub id: Option<i64>,
    /// What is wrong; empty where the server doesn't say.
    pub error: ApiError,
}

impl Bulk {
    /// Reads the answer of an operation that answers with 207: a `BulkResult`, JSON, or a record that the document
    /// declares instead (`post_company_configurations_bulk`), whose unknown properties hold the items.
    ///
    /// # Errors
    /// When the answer has no list `payload` of objects.
    pub fn of<T: Serialize + ?Sized>(answer: &T) -> Result<Self> {
        let answer = serde_json::to_value(answer).map_err(|_| unreadable("$".to_owned(), "an object"))?;
        let Some(payload) = answer.get("payload").and_then(Value::as_array) else {
            return Err(unreadable("payload".to_owned(), "a list"));
        };
        let items =
            payload.iter().enumerate().map(|(place, item)| BulkItem::read(place, item)).collect::<Result<_>>()?;
        Ok(Self { items })
    }

    /// All items.
    #[must_use]
    pub fn items(&self) -> &[BulkItem] {
        &self.items
    }

    /// What was carried out.
    pub fn succeeded(&self) -> impl Iterator<Item = &BulkItem> {
        self.items.iter().filter(|item| item.success)
    }

    /// What wasn't.
    pub fn failed(&self) -> impl Iterator<Item = &BulkItem> {
        self.items.iter().filter(|item| !item.success)
    }

    /// Whether everything was carried out.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.items.iter().all(|item| item.success)
    }
}

impl BulkItem {
    fn read(place: usize, item: &Value) -> Result<Self> {
        if !item.is_object() {
            return Err(unreadable(format!("payload[{place}]"), "an object"));
        }
        let status = item.get("statusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
        let said = item.get("success").and_then(Value::as_bool);
        let index = item.get("originalIndex").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let error = item.get("error").filter(|error| !error.is_null());
        Ok(Self {
            index: index.unwrap_or(place),
            success: said.unwrap_or_else(|| status.is_some_and(|status| (200..300).contains(&status))),
            status,
            id: item.pointer("/data/id").and_then(Value::as_i64),
            // The answer itself is in the caller's hands, and nobody says whose credentials it answers.
            error: error
                .map(|error| ApiError::parse(error.to_string().as_bytes(), &Redactor::default()))
                .unwrap_or_default(),
        })
    }
}

fn unreadable(json_path: String, expected: &str) -> Error {
    Error::new(Reason::Shape { json_path, expected: Some(expected.to_owned()) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Bulk;

    #[test]
    fn items_are_told_apart_by_what_they_say() {
        let answer = json!({"payload": [
            {"success": true, "statusCode": 201, "originalIndex": 2, "data": {"id": 7}, "error": null},
            {"success": false, "statusCode": 400, "originalIndex": 0, "error": {
                "code": "InvalidObject", "message": "configuration object is invalid",
                "errors": [{"code": "MissingRequiredField", "message": "The name field is required.", "field": "name"}],
            }},
            {"statusCode": 204},
            {"statusCode": 404, "error": {"code": "NotFound", "message": "Configuration 9 not found"}},
            {},
        ]});
        let bulk = Bulk::of(&answer).unwrap();
        let succeeded: Vec<_> = bulk.succeeded().map(|item| (item.index, item.status, item.id)).collect();
        assert_eq!(succeeded, [(2, Some(201), Some(7)), (2, Some(204), None)]);
        let failed: Vec<_> = bulk.failed().map(|item| (item.index, item.error.to_string())).collect();
        let expected = [
            (0, "InvalidObject: configuration object is invalid (name: The name field is required)"),
            (3, "NotFound: Configuration 9 not found"),
            (4, "the answer says nothing more"),
        ];
        assert_eq!(failed, expected.map(|(index, text)| (index, text.to_owned())));
        assert!(!bulk.is_complete());
        assert!(Bulk::of(&json!({"payload": []})).unwrap().is_complete());
    }

    #[test]
    fn another_answer_is_an_error() {
        for (answer, place) in [
            (json!({"id": 7}), "at payload"),
            (json!({"payload": {"success": true}}), "at payload"),
            (json!({"payload": [{}, 5]}), "at payload[1]"),
            (json!([]), "at payload"),
        ] {
            let error = Bulk::of(&answer).unwrap_err().to_string();
            assert!(error.contains(place), "{answer}: {error}");
        }
    }
}
