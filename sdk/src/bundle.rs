//! Bundles: many lists in one request.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ApiError, Client, Response, Result,
    reason::Reason,
    redact::Redactor,
    request::{Method, Request},
};

/// How often the server may fail on a bundle before it is an error: whoever asked can ask for the lists one by one.
const PATIENCE: u32 = 3;

/// One list of a bundle: its first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledList {
    resource_type: String,
    parent: Option<i64>,
    page_size: u32,
    conditions: Option<String>,
    order_by: Option<String>,
    fields: Option<String>,
}

impl BundledList {
    /// The list that bundles know as `resource_type`, for example `purchaseorderlineitem`, below the record with this id.
    #[must_use]
    pub fn new(resource_type: impl Into<String>, parent: i64) -> Self {
        Self { parent: Some(parent), ..Self::flat(resource_type) }
    }

    /// A list without a parent, by its `resource_type` in bundles, for example `company`. Its first page has up to 1,000
    /// records.
    #[must_use]
    pub fn flat(resource_type: impl Into<String>) -> Self {
        Self {
            resource_type: resource_type.into(),
            parent: None,
            page_size: crate::MAX_PAGE_SIZE,
            conditions: None,
            order_by: None,
            fields: None,
        }
    }

    /// Condition in the API's query language; `None` for all records.
    #[must_use]
    pub fn conditions(mut self, conditions: Option<String>) -> Self {
        self.conditions = conditions;
        self
    }

    /// Order, as `_info/lastUpdated desc`. A server may ignore it in bundles.
    #[must_use]
    pub fn order_by(mut self, order: impl Into<String>) -> Self {
        self.order_by = Some(order.into());
        self
    }

    /// Only these properties, comma-separated, as `id,_info/lastUpdated`.
    #[must_use]
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.fields = Some(fields.into());
        self
    }

    /// Records in the page, 1 to 1000 (the default).
    #[must_use]
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = size.clamp(1, crate::MAX_PAGE_SIZE);
        self
    }

    /// The id of the parent, 0 for a list without one.
    #[must_use]
    pub fn parent(&self) -> i64 {
        self.parent.unwrap_or_default()
    }
}

/// The answer to a bundle: one for each list that was asked for, or none.
#[derive(Debug, Clone)]
pub struct Bundle {
    response: Response,
    lists: Vec<BundledList>,
}

/// What became of one list of a bundle.
#[derive(Clone)]
pub struct BundledAnswer<'a> {
    /// HTTP status of this list.
    pub status: Option<u16>,
    /// Whether it is an answer to the question: by `success`, or else by a status of 200 to 299.
    pub success: bool,
    /// What the server counts: the records of this answer, or all that there are where only that was asked for.
    pub count: Option<u64>,
    /// The records, split but not read.
    pub records: Vec<&'a RawValue>,
    /// Whether there was a list at all, even an empty one.
    pub has_records: bool,
    page_size: u32,
    /// What is wrong; empty where the server doesn't say.
    pub error: ApiError,
}

impl fmt::Debug for BundledAnswer<'_> {
    /// The records aren't shown: they are somebody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundledAnswer")
            .field("status", &self.status)
            .field("success", &self.success)
            .field("count", &self.count)
            .field("records", &self.records.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl BundledAnswer<'_> {
    /// Whether the answer holds the whole list: the server says that it worked, counts as many records as it sent, and
    /// sent fewer than it was allowed to. A list that doesn't show it has to be read on its own.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let sent = self.records.len() as u64;
        self.success && self.has_records && self.count == Some(sent) && sent < u64::from(self.page_size)
    }
}

impl Client {
    /// The first page of many lists, in one request: much cheaper than one request a list.
    ///
    /// Nobody documents how many lists one bundle may hold; 100 are known to work, and a server that wants fewer answers
    /// with 400. A failed bundle is repeated like any read, but not as often.
    ///
    /// # Errors
    /// As any request. That a single list failed is no error of the bundle: see [`BundledAnswer`].
    pub async fn bundle(&self, lists: Vec<BundledList>) -> Result<Bundle> {
        self.bundled("/system/bundles", lists).await
    }

    /// How many records many lists have, in one request.
    ///
    /// # Errors
    /// As [`Client::bundle`].
    pub async fn bundle_counts(&self, lists: Vec<BundledList>) -> Result<Bundle> {
        self.bundled("/system/bundles/count", lists).await
    }

    async fn bundled(&self, path: &str, lists: Vec<BundledList>) -> Result<Bundle> {
        let version = &self.config().version;
        let requests = lists.iter().zip(0..).map(|(list, number)| AskedEntry {
            version,
            sequence_number: number,
            resource_type: &list.resource_type,
            api_request: AskedList {
                parent_id: list.parent,
                filters: Filters::of(list),
                page: AskedPage { page: 1, page_size: list.page_size },
                fields: list.fields.as_deref(),
            },
        });
        let mut request = Request::new(Method::Post, path).json(&Requests { requests: requests.collect() })?;
        (request.only_reads, request.patience) = (true, Some(PATIENCE));
        let mut response = self.execute(&request).await?;
        response.mend();
        Ok(Bundle { response, lists })
    }
}

impl Bundle {
    /// The HTTP answer of the whole bundle.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The body of the answer as it came.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.response.body
    }

    /// The answers in the order of the lists that were asked for. A list that got none, or more than one, has none.
    ///
    /// # Errors
    /// When the body isn't what bundles are answered with.
    pub fn answers(&self) -> Result<Vec<(&BundledList, Option<BundledAnswer<'_>>)>> {
        let results: Results<'_> = serde_json::from_slice(&self.response.body).map_err(|error| {
            let is_json = serde_json::from_slice::<&RawValue>(&self.response.body).is_ok();
            if is_json && error.is_data() {
                self.response.refusal().unwrap_or_else(|| {
                    self.response
                        .error(Reason::Shape { json_path: "results".to_owned(), expected: Some("a list".to_owned()) })
                })
            } else {
                self.response.not_json()
            }
        })?;
        let mut answers: Vec<Vec<BundledAnswer<'_>>> = self.lists.iter().map(|_| Vec::new()).collect();
        // What can't be read, or answers a list that nobody asked for, answers nothing.
        for result in results.results.iter().filter_map(|text| serde_json::from_str::<Told<'_>>(text.get()).ok()) {
            let Some(at) = result.sequence_number.and_then(|number| usize::try_from(number).ok()) else { continue };
            let Some(list) = self.lists.get(at) else { continue };
            let same = |name: &Cow<'_, str>| name.eq_ignore_ascii_case(&list.resource_type);
            if let (Some(place), true) = (answers.get_mut(at), result.resource_type.as_ref().is_none_or(same)) {
                place.push(result.into_answer(list.page_size, &self.response.redactor));
            }
        }
        Ok(self
            .lists
            .iter()
            .zip(answers)
            .map(|(list, mut answers)| {
                let last = answers.pop();
                (list, last.filter(|_| answers.is_empty()))
            })
            .collect())
    }
}

#[derive(Serialize)]
struct Requests<'a> {
    requests: Vec<AskedEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedEntry<'a> {
    version: &'a str,
    sequence_number: i32,
    resource_type: &'a str,
    api_request: AskedList<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedList<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<Filters<'a>>,
    page: AskedPage,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Filters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<&'a str>,
}

impl<'a> Filters<'a> {
    fn of(list: &'a BundledList) -> Option<Self> {
        let filters = Self { conditions: list.conditions.as_deref(), order_by: list.order_by.as_deref() };
        (filters.conditions.is_some() || filters.order_by.is_some()).then_some(filters)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedPage {
    page: u32,
    page_size: u32,
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    sequence_number: Option<i64>,
    #[serde(borrow)]
    resource_type: Option<Cow<'a, str>>,
    success: Option<bool>,
    status_code: Option<u16>,
    count: Option<u64>,
    #[serde(borrow)]
    entities: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'a> Told<'a> {
    fn into_answer(self, page_size: u32, redactor: &Redactor) -> BundledAnswer<'a> {
        let by_status = self.status_code.is_some_and(|status| (200..300).contains(&status));
        BundledAnswer {
            status: self.status_code,
            success: self.success.unwrap_or(by_status) && self.status_code.is_none_or(|_| by_status),
            count: self.count,
            has_records: self.entities.is_some(),
            records: self.entities.unwrap_or_default(),
            page_size,
            error: self.error.map(|error| ApiError::parse(error.get().as_bytes(), redactor)).unwrap_or_default(),
        }
    }
}
