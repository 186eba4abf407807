//! Records below many parents, typed and whole.

use futures::TryStreamExt as _;

use crate::resource::{List, Placed, Resource, Under};
use crate::{BundledAnswer, BundledList, Client, Record as _, Result};

/// Lists in one request: as many as servers are known to take.
const LISTS: usize = 100;

impl Client {
    /// The records below each of these parents, all pages of them, in the order of the parents: the additions of some agreements, the
    /// notes of some tickets. A hundred parents take one request; a list that its bundle doesn't show to be whole is read by itself,
    /// and so are all where the server has no bundles of such records.
    ///
    /// ```no_run
    /// # #[cfg(feature = "lake")]
    /// # async fn example(client: connectwise_sdk::Client) -> connectwise_sdk::Result<()> {
    /// use connectwise_sdk::models::Addition;
    ///
    /// for (agreement, additions) in client.bundle_of::<Addition>([7, 8, 9]).await? {
    ///     // ...
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a list can't be read, as [`ItemList::stream`](crate::ItemList::stream).
    pub async fn bundle_of<R>(
        &self,
        parents: impl IntoIterator<Item = impl Into<i64>>,
    ) -> Result<Vec<(i64, Vec<R::Record>)>>
    where
        R: List + Resource<Place = Under<Placed>>,
    {
        let parents: Vec<i64> = parents.into_iter().map(Into::into).collect();
        // Bundles call lists after their records.
        let resource_type = R::Record::NAME.to_lowercase();
        let mut found = Vec::with_capacity(parents.len());
        for parents in parents.chunks(LISTS) {
            let lists = parents.iter().map(|parent| BundledList::new(resource_type.as_str(), *parent)).collect();
            let bundle = match self.bundle(lists).await {
                Ok(bundle) => Some(bundle),
                // A refusal: single lists may be allowed all the same, and say what is wrong if they aren't.
                Err(error) if error.status().is_some_and(|status| (400..500).contains(&status) && status != 429) => {
                    None
                }
                Err(error) => return Err(error),
            };
            let answers = bundle.as_ref().map(|bundle| bundle.answers()).transpose()?.unwrap_or_default();
            let mut answers = answers.into_iter().map(|(_, answer)| answer);
            for parent in parents {
                let records = match answers.next().flatten().and_then(|answer| records(&answer)) {
                    Some(records) => records,
                    None => self.resource::<R>().under(*parent).list().stream().try_collect().await?,
                };
                found.push((*parent, records));
            }
        }
        Ok(found)
    }
}

/// The records of an answer, if it shows that they are all, and each can be read.
fn records<T: crate::Record>(answer: &BundledAnswer<'_>) -> Option<Vec<T>> {
    if !answer.is_whole() {
        return None;
    }
    answer.records.iter().map(|text| serde_json::from_str(text.get()).ok()).collect()
}
