//! The ids of parents, from a list that was just read, for the loads of child lists.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use connectwise_extract::catalog;
use connectwise_extract::read::{self, Seen};
use connectwise_lakehouse::{DataFile, Keys, integers};
use connectwise_sdk::catalog::{Entity, Load};
use futures::stream::TryStreamExt;

use super::Target;
use crate::error::Result;
use crate::shared::Ids;

impl Target<'_> {
    /// Tells the loads of child lists the ids of their parents, which are keys of this list. Their watermark is the newest parent's,
    /// so that it has to be known from before this list was read, where parents have change times.
    pub(super) async fn tell_ids(&self, files: &[DataFile], seen: &Seen) -> Result<()> {
        let shared = &self.request.shared;
        let has_watermark = matches!(self.entity.load, Load::Incremental { .. });
        if has_watermark && !shared.knows_newest(self.entity.name) {
            return Ok(());
        }
        let parents = catalog::entities().iter().filter_map(Entity::parent);
        let of_this = parents.filter(|parent| parent.entity == self.entity.name);
        for condition in of_this.map(|parent| parent.conditions).collect::<BTreeSet<_>>() {
            let (keys, counted, counted_after) = match condition {
                None => (self.table.keys_of(self.entity.key, files).await?, seen.counted, seen.counted_after),
                Some(condition) => {
                    let Some(keys) = self.keys_that(files, condition).await? else { continue };
                    // What is equal here may not be to the server, so it is counted. Else the loads list the ids themselves.
                    let counted = read::count(self.client, self.entity, Some(condition)).await;
                    let Some(counted) = counted.ok().and_then(|counted| counted.records) else { continue };
                    if counted != keys.len() {
                        continue;
                    }
                    (keys, None, Some(counted))
                }
            };
            let ids = keys.iter().map(u64::cast_signed).collect();
            let question = |most| (self.entity.path, condition.map(str::to_owned), most);
            shared.tell_parents(question(None), Ids { ids, unreadable: Vec::new(), at_end: true });
            shared.tell_count(question(Some(0)), counted);
            shared.tell_count(question(Some(1)), counted_after);
        }
        Ok(())
    }

    /// The keys of rows that meet a condition of the form `property = "text"`; `None` for others.
    async fn keys_that(&self, files: &[DataFile], condition: &str) -> Result<Option<Keys>> {
        let Some((property, text)) = equality(condition) else { return Ok(None) };
        let mut found = Keys::new();
        for file in files {
            let mut rows = self.table.rows_of(file).await?;
            while let Some(batch) = rows.try_next().await? {
                let keys = integers(&batch, self.entity.key)?;
                let column = batch.column_by_name(property).and_then(|column| column.as_string_opt::<i32>());
                let Some(column) = column else { return Ok(None) };
                let rows = keys.iter().zip(column.iter());
                let meets = rows.filter_map(|(key, value)| key.filter(|_| value == Some(text)));
                found.extend(meets.map(i64::cast_unsigned));
            }
        }
        Ok(Some(found))
    }
}

/// The property and the text of a condition `property = "text"`.
fn equality(condition: &str) -> Option<(&str, &str)> {
    let (property, text) = condition.split_once(" = ")?;
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    (property.chars().all(char::is_alphanumeric) && !text.contains('"')).then_some((property, text))
}

#[cfg(test)]
mod tests {
    use super::equality;

    #[test]
    fn only_an_equality_is_understood() {
        assert_eq!(equality(r#"recordType = "ServiceTicket""#), Some(("recordType", "ServiceTicket")));
        for other in [r#"a = "b" and c = "d""#, "a = 5", r#"a/b = "c""#, r#"a != "b""#, r#"a like "b""#] {
            assert_eq!(equality(other), None, "{other}");
        }
    }
}
