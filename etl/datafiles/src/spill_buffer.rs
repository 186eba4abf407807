//! The rows of a change until they are merged: in memory while they are few, in temporary files when they are many.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Mutex;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;

use crate::error::{self, Error, Result};
use connectwise_storage::locked;

/// Bytes that are kept in memory.
const HELD_BYTES: usize = 32 * 1024 * 1024;

/// Batches of rows, as many as there may be.
///
/// What is more than memory should hold goes to files in the system's folder for temporary ones (`TMPDIR`). They have no name
/// there, so they are gone with the program however it ends.
pub struct SpillBuffer {
    kept: Vec<Kept>,
    rows: usize,
    held_bytes: usize,
    limit: usize,
    files: Vec<Mutex<FileReader<File>>>,
}

enum Kept {
    Held(RecordBatch),
    /// Which file, and which batch of it.
    Spilled(usize, usize),
}

impl SpillBuffer {
    /// None yet; of those that come, so many bytes are kept in memory.
    pub fn with_memory_limit(limit: usize) -> Self {
        Self { kept: Vec::new(), rows: 0, held_bytes: 0, limit, files: Vec::new() }
    }

    /// Adds a batch behind the others.
    ///
    /// # Errors
    /// [`Kind::Lake`](connectwise_storage::error::Kind::Lake) when no temporary file can be written.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows();
        self.held_bytes += batch.get_array_memory_size();
        self.kept.push(Kept::Held(batch));
        if self.held_bytes > self.limit { self.spill().map_err(unkept) } else { Ok(()) }
    }

    /// Adds the batches of another one behind the others.
    ///
    /// # Errors
    /// [`Kind::Lake`](connectwise_storage::error::Kind::Lake) when no temporary file can be written.
    pub fn append(&mut self, other: Self) -> Result<()> {
        let first = self.files.len();
        self.files.extend(other.files);
        self.rows += other.rows;
        self.held_bytes += other.held_bytes;
        self.kept.extend(other.kept.into_iter().map(|kept| match kept {
            Kept::Held(batch) => Kept::Held(batch),
            Kept::Spilled(file, at) => Kept::Spilled(first + file, at),
        }));
        if self.held_bytes > self.limit { self.spill().map_err(unkept) } else { Ok(()) }
    }

    /// Moves what is in memory to files.
    fn spill(&mut self) -> std::result::Result<(), ArrowError> {
        let mut open: Option<FileWriter<File>> = None;
        let mut at = 0;
        for kept in &mut self.kept {
            let Kept::Held(batch) = kept else { continue };
            // A file has one schema.
            if open.as_ref().is_some_and(|open| open.schema() != batch.schema_ref()) {
                self.files.extend(open.take().map(finished).transpose()?);
            }
            let writer = match &mut open {
                Some(writer) => writer,
                None => {
                    at = 0;
                    open.insert(FileWriter::try_new(tempfile::tempfile()?, batch.schema_ref())?)
                }
            };
            writer.write(batch)?;
            *kept = Kept::Spilled(self.files.len(), at);
            at += 1;
        }
        self.files.extend(open.map(finished).transpose()?);
        self.held_bytes = 0;
        Ok(())
    }

    /// Rows in all batches.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The batches one after the other, each read when it is its turn.
    pub fn iter(&self) -> impl Iterator<Item = Result<RecordBatch>> + '_ {
        self.kept.iter().map(|kept| self.read(kept))
    }

    /// The batches at these places, by place.
    ///
    /// # Errors
    /// [`Kind::Lake`](connectwise_storage::error::Kind::Lake) when a temporary file can't be read.
    pub fn at(&self, places: impl IntoIterator<Item = usize>) -> Result<BTreeMap<usize, RecordBatch>> {
        let mut some = BTreeMap::new();
        for place in places {
            if let (Some(kept), false) = (self.kept.get(place), some.contains_key(&place)) {
                some.insert(place, self.read(kept)?);
            }
        }
        Ok(some)
    }

    fn read(&self, kept: &Kept) -> Result<RecordBatch> {
        let gone = || ArrowError::IpcError("a batch is missing".to_owned());
        match kept {
            Kept::Held(batch) => Ok(batch.clone()),
            Kept::Spilled(file, at) => {
                let file = self.files.get(*file).ok_or_else(gone).map_err(unkept)?;
                let mut file = locked(file);
                file.set_index(*at).and_then(|()| file.next().ok_or_else(gone)?).map_err(unkept)
            }
        }
    }
}

impl Default for SpillBuffer {
    fn default() -> Self {
        Self::with_memory_limit(HELD_BYTES)
    }
}

impl From<Vec<RecordBatch>> for SpillBuffer {
    /// Batches that are in memory already and stay there.
    fn from(batches: Vec<RecordBatch>) -> Self {
        let kept: Vec<_> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let rows = kept.iter().map(RecordBatch::num_rows).sum();
        Self { rows, kept: kept.into_iter().map(Kept::Held).collect(), ..Self::default() }
    }
}

impl std::fmt::Debug for SpillBuffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let batches = self.kept.len();
        let files = self.files.len();
        write!(formatter, "{} rows in {batches} batches, {files} files", self.rows)
    }
}

fn finished(mut writer: FileWriter<File>) -> std::result::Result<Mutex<FileReader<File>>, ArrowError> {
    writer.finish()?;
    Ok(Mutex::new(FileReader::try_new(writer.into_inner()?, None)?))
}

fn unkept(error: ArrowError) -> Error {
    error::unspilled(&std::env::temp_dir()).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};

    use super::*;

    fn numbers(from: i32) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(from..from + 100));
        RecordBatch::try_from_iter([("number", numbers)]).unwrap()
    }

    #[test]
    fn what_is_too_much_for_memory_comes_back_from_files_as_it_was() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("one"), None]));
        let texts = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let given: Vec<RecordBatch> = vec![numbers(0), numbers(100), texts, numbers(200), numbers(300).slice(7, 5)];
        let mut batches = SpillBuffer::with_memory_limit(1_000);
        for batch in &given {
            batches.push(batch.clone()).unwrap();
        }
        assert!(batches.files.len() > 1, "{batches:?}");
        assert_eq!(batches.rows(), 307);
        assert_eq!(batches.iter().collect::<Result<Vec<_>>>().unwrap(), given);
        let some = batches.at([3, 0, 3]).unwrap();
        assert_eq!(some.into_iter().collect::<Vec<_>>(), [(0, given[0].clone()), (3, given[3].clone())]);
    }

    #[test]
    fn what_is_appended_stands_behind_what_was_there() {
        let spilled = |from: i32| {
            let mut batches = SpillBuffer::with_memory_limit(100);
            batches.push(numbers(from)).unwrap();
            batches
        };
        let mut all = spilled(0);
        all.append(spilled(100)).unwrap();
        all.append(vec![numbers(200)].into()).unwrap();
        all.append(SpillBuffer::default()).unwrap();
        // Those that were given from memory stay there.
        assert_eq!((all.rows(), all.files.len()), (300, 2));
        let given = [numbers(0), numbers(100), numbers(200)];
        assert_eq!(all.iter().collect::<Result<Vec<_>>>().unwrap(), given);
    }

    #[test]
    fn a_few_rows_stay_in_memory_and_empty_batches_are_none() {
        let mut batches = SpillBuffer::default();
        batches.push(numbers(0).slice(0, 0)).unwrap();
        assert!(batches.is_empty());
        batches.push(numbers(0)).unwrap();
        assert!(batches.files.is_empty() && !batches.is_empty());
        assert_eq!(batches.iter().count(), 1);
    }
}
