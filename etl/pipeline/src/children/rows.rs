//! The answers of parents into batches, each key once.

use std::collections::{BTreeSet, HashMap};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_extract::decode::{Decoder, Rejected};
use connectwise_extract::read::Seen;

use super::ChildWork;
use super::read::{List, ReadList, Reader};
use crate::error::{Error, Result};

/// What was read so far.
pub(super) struct ChildRows {
    reader: Reader,
    decoder: Decoder,
    /// The parent of each key.
    pub(super) keys: HashMap<i64, i64>,
    /// Parents whose lists are known now, those of which nothing is left included.
    pub(super) read: BTreeSet<i64>,
    /// Parents whose lists can't be read, and why.
    pub(super) failed: Vec<(i64, String)>,
    pub(super) records: u64,
    /// What the server counts in the lists that were read, `None` once it didn't count one.
    counted: Option<u64>,
    /// Whether a list came whole by bundle, which has neither pages nor an order.
    bundled: bool,
    pub(super) rejected: Vec<Rejected>,
}

impl ChildRows {
    pub(super) fn new(work: &ChildWork<'_>) -> Result<Self> {
        Ok(Self {
            reader: Reader::default(),
            decoder: Decoder::new(work.entity, &work.request.run_id, work.request.started)?
                .storing(work.request.secrets),
            keys: HashMap::new(),
            read: BTreeSet::new(),
            failed: Vec::new(),
            records: 0,
            counted: Some(0),
            bundled: false,
            rejected: Vec::new(),
        })
    }

    /// Notes that the table holds so many rows more of this parent.
    pub(super) fn holds(&mut self, parent: i64, stored: usize) {
        self.reader.holds(parent, stored);
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.decoder.schema().clone()
    }

    /// What was seen, once all is read that is to be read.
    pub(super) fn seen(&mut self, complete: bool) -> Seen {
        Seen {
            records: self.records,
            rescued: self.decoder.rescued(),
            rejected: std::mem::take(&mut self.rejected),
            unreadable: Vec::new(),
            // Lists are counted once, after they were read.
            counted: None,
            uncounted: None,
            counted_after: self.counted.filter(|_| !self.read.is_empty()),
            // A list that is asked for alone is only whole with its last page.
            ended: (!self.bundled && !self.read.is_empty()).then_some(self.failed.is_empty()),
            ascending: None,
            complete,
        }
    }

    /// What the server refused on the way.
    pub(super) fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.reader.notes)
    }

    /// Why none of the lists so far can be read, where the role may not read any.
    pub(super) fn shut(&mut self, work: &ChildWork<'_>) -> Option<Error> {
        self.reader.shut(work)
    }

    /// Whether what was taken so far may be committed: bundles may have turned out to lack records.
    pub(super) fn still_believed(&self, work: &ChildWork<'_>) -> Result<()> {
        self.reader.still_believed(work)
    }

    /// Parents whose lists are read before their rows are built, which bounds memory.
    pub(super) fn at_once(&self, work: &ChildWork<'_>) -> usize {
        self.reader.at_once(work)
    }

    /// Lists that a request is expected to return.
    pub(super) fn of_a_request(&self, work: &ChildWork<'_>) -> usize {
        self.reader.of_a_request(work)
    }

    /// The rows of these parents.
    ///
    /// # Errors
    /// When too many lists fail, or a record is in two of them.
    pub(super) async fn of(&mut self, work: &ChildWork<'_>, parents: &[i64]) -> Result<RecordBatch> {
        for (parent, list) in self.reader.read(work, parents).await? {
            self.take(work, (parent, list))?;
        }
        let batch = self.decoder.batch()?;
        work.meter.batch(work.entity, &batch);
        Ok(batch)
    }

    fn take(&mut self, work: &ChildWork<'_>, (parent, list): ReadList) -> Result<()> {
        let (records, failed) = match list {
            List::Whole { records, counted, bundled } => {
                if self.counted.is_some() && counted.is_none() && !bundled && work.entity.count_path.is_some() {
                    let note =
                        "the server doesn't count such lists, so that their last pages alone prove that they are whole";
                    self.reader.notes.push(note.to_owned());
                }
                self.counted = self.counted.zip(counted).map(|(all, one)| all + one);
                self.bundled |= bundled;
                (records, None)
            }
            List::Gone => (Vec::new(), None),
            List::Partly(records, why) => (records, Some(why)),
            List::Failed(why) => (Vec::new(), Some(why)),
        };
        // Of a list that isn't whole nothing is gone.
        if let Some(why) = failed {
            self.failed.push((parent, why));
        } else {
            self.read.insert(parent);
        }
        self.decoder.below(parent);
        self.records += records.len() as u64;
        for record in records {
            match self.decoder.push(&record)? {
                Err(rejected) => self.rejected.push(rejected),
                Ok(key) => {
                    if let Some(other) = self.keys.insert(key, parent) {
                        return Err(Error::two_parents(work.entity, key, work.above, [other, parent]));
                    }
                }
            }
        }
        Ok(())
    }
}
