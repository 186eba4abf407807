//! The parts of an interface document that the simulator reads, as they are written there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Raw<'a> {
    #[serde(borrow)]
    pub(super) paths: BTreeMap<&'a str, BTreeMap<&'a str, RawOperation<'a>>>,
    #[serde(borrow)]
    pub(super) components: RawComponents<'a>,
}

#[derive(Deserialize)]
pub(super) struct RawComponents<'a> {
    #[serde(borrow)]
    pub(super) schemas: BTreeMap<&'a str, RawSchema<'a>>,
}

#[derive(Deserialize)]
pub(super) struct RawOperation<'a> {
    #[serde(borrow, default)]
    responses: BTreeMap<&'a str, RawContent<'a>>,
    #[serde(borrow, default, rename = "requestBody")]
    body: Option<RawContent<'a>>,
}

#[derive(Deserialize)]
struct RawContent<'a> {
    #[serde(borrow, default)]
    content: BTreeMap<&'a str, RawMedia<'a>>,
}

#[derive(Deserialize)]
struct RawMedia<'a> {
    #[serde(borrow, default)]
    schema: Option<RawSchema<'a>>,
}

#[derive(Deserialize)]
pub(super) struct RawSchema<'a> {
    #[serde(borrow, default, rename = "$ref")]
    pub(super) reference: Option<&'a str>,
    #[serde(borrow, default, rename = "type")]
    pub(super) of: Option<&'a str>,
    #[serde(borrow, default)]
    pub(super) format: Option<&'a str>,
    #[serde(borrow, default)]
    pub(super) items: Option<Box<RawSchema<'a>>>,
    #[serde(borrow, default)]
    pub(super) properties: BTreeMap<&'a str, RawSchema<'a>>,
    #[serde(borrow, default)]
    pub(super) required: Vec<&'a str>,
    #[serde(borrow, default, rename = "enum")]
    pub(super) members: Vec<Option<Cow<'a, str>>>,
    #[serde(default, rename = "maxLength")]
    pub(super) longest: Option<usize>,
    #[serde(default, rename = "x-write-only")]
    pub(super) write_only: bool,
}

impl<'a> RawSchema<'a> {
    /// The name behind `#/components/schemas/`.
    pub(super) fn target(&self) -> Option<&'a str> {
        self.reference?.rsplit('/').next()
    }
}

impl<'a> RawOperation<'a> {
    /// The status of success, the media type and the schema of its answer.
    pub(super) fn answer(&self) -> (u16, Option<&RawSchema<'a>>) {
        let found = self.responses.iter().find_map(|(status, content)| {
            let status: u16 = status.parse().ok().filter(|status| (200..300).contains(status))?;
            Some((status, content.content.values().next().and_then(|media| media.schema.as_ref())))
        });
        found.unwrap_or((200, None))
    }

    /// The schema of the body that it takes.
    pub(super) fn takes(&self) -> Option<&RawSchema<'a>> {
        self.body.as_ref()?.content.values().next()?.schema.as_ref()
    }
}
