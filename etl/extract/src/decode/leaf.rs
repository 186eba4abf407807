//! Values of a column that has no columns below it, as Arrow lays them out, while rows are added and taken back.

use std::sync::Arc;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;

/// Values of one width.
///
/// A row that gets no value costs nothing until a later one gets one: then, or at the end, the gap is filled with nulls.
#[derive(Debug)]
pub(super) struct Values<T> {
    values: Vec<T>,
    valid: NullBufferBuilder,
}

impl<T: Copy + Default> Values<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of the last row that has one.
    pub(super) fn last(&self) -> Option<T> {
        self.values.last().copied()
    }

    /// Gives the next row, or one behind it, its value.
    pub(super) fn push(&mut self, row: usize, value: T) {
        self.pad(row);
        self.values.push(value);
        self.valid.append_non_null();
    }

    /// Takes back what `row` and those behind it have got.
    pub(super) fn truncate(&mut self, row: usize) {
        self.values.truncate(row);
        self.valid.truncate(row);
    }

    fn pad(&mut self, rows: usize) {
        if let Some(gap) = rows.checked_sub(self.values.len()).filter(|gap| *gap > 0) {
            self.values.resize(rows, T::default());
            self.valid.append_n_nulls(gap);
        }
    }

    fn take(&mut self, rows: usize) -> (Vec<T>, Option<NullBuffer>) {
        self.pad(rows);
        // Pages are mostly alike, so the next batch gets the room that this one needed.
        let next = Vec::with_capacity(self.values.len());
        (std::mem::replace(&mut self.values, next), self.valid.finish())
    }
}

impl<T: ArrowNativeType> Values<T> {
    /// The column of `rows` rows, and nothing left here.
    pub(super) fn finish<A: ArrowPrimitiveType<Native = T>>(
        &mut self,
        rows: usize,
        data_type: &DataType,
    ) -> Result<ArrayRef, ArrowError> {
        let (values, nulls) = self.take(rows);
        let array = PrimitiveArray::<A>::try_new(values.into(), nulls)?;
        Ok(Arc::new(if array.data_type() == data_type { array } else { array.with_data_type(data_type.clone()) }))
    }
}

impl Values<bool> {
    /// The column of `rows` rows, and nothing left here.
    pub(super) fn finish_bits(&mut self, rows: usize) -> ArrayRef {
        let (values, nulls) = self.take(rows);
        Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
    }
}

/// Texts, one behind the other.
#[derive(Debug)]
pub(super) struct Texts {
    ends: Ends,
    bytes: Vec<u8>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { ends: Ends::new(), bytes: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Gives the next row, or one behind it, its text.
    pub(super) fn push(&mut self, row: usize, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(row, self.bytes.len());
    }

    /// Takes back what `row` and those behind it have got.
    pub(super) fn truncate(&mut self, row: usize) {
        self.ends.truncate(row);
        self.bytes.truncate(self.ends.last());
    }

    /// The bytes of a row's text.
    pub(super) fn get(&self, row: usize) -> &[u8] {
        self.bytes.get(self.ends.range(row)).unwrap_or_default()
    }

    /// Takes one row out from among others, of which none is null.
    pub(super) fn remove(&mut self, row: usize) {
        if row < self.ends.len() {
            self.bytes.drain(self.ends.remove(row));
        }
    }

    /// The column of `rows` rows, and nothing left here.
    pub(super) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        let (offsets, nulls) = self.ends.finish(rows)?;
        let next = Vec::with_capacity(self.bytes.len());
        let bytes = std::mem::replace(&mut self.bytes, next);
        Ok(Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?))
    }
}

/// Where the pieces of each row end in what they are pieces of.
#[derive(Debug)]
pub(super) struct Ends {
    /// Starts with a zero, so that each row lies between two neighbours.
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

/// Stands for everything that Arrow's offsets can't tell: the batch is refused when it is finished.
const TOO_FAR: i32 = i32::MAX;

impl Ends {
    pub(super) fn new() -> Self {
        Self { offsets: vec![0], valid: NullBufferBuilder::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Where the last row ends, and the next one begins.
    pub(super) fn last(&self) -> usize {
        self.at(self.len())
    }

    /// Where a row lies.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.at(row)..self.at(row + 1)
    }

    fn at(&self, position: usize) -> usize {
        self.offsets.get(position).map_or(0, |offset| offset.as_usize())
    }

    /// Ends the next row, or one behind it, at `end`.
    pub(super) fn push(&mut self, row: usize, end: usize) {
        self.pad(row);
        self.offsets.push(i32::try_from(end).unwrap_or(TOO_FAR));
        self.valid.append_non_null();
    }

    /// Takes back `row` and those behind it.
    pub(super) fn truncate(&mut self, row: usize) {
        self.offsets.truncate(row + 1);
        self.valid.truncate(row);
    }

    /// Takes out one row of those that are there, none of which is null. Gives where its pieces lay, which are no longer counted.
    fn remove(&mut self, row: usize) -> std::ops::Range<usize> {
        let gone = self.range(row);
        let width = self.offsets[row + 1] - self.offsets[row];
        // Where texts were too long once, the batch is refused, whatever is taken out of it.
        self.offsets.iter_mut().skip(row + 1).filter(|offset| **offset != TOO_FAR).for_each(|offset| *offset -= width);
        self.offsets.remove(row);
        self.valid.truncate(self.len());
        gone
    }

    fn pad(&mut self, rows: usize) {
        if let Some(gap) = rows.checked_sub(self.len()).filter(|gap| *gap > 0) {
            // The first offset is always there.
            let last = self.offsets.last().copied().unwrap_or(0);
            self.offsets.resize(rows + 1, last);
            self.valid.append_n_nulls(gap);
        }
    }

    /// The offsets and nulls of `rows` rows, and nothing left here.
    pub(super) fn finish(&mut self, rows: usize) -> Result<(OffsetBuffer<i32>, Option<NullBuffer>), ArrowError> {
        self.pad(rows);
        let mut next = Vec::with_capacity(self.offsets.len());
        next.push(0);
        let offsets = std::mem::replace(&mut self.offsets, next);
        let nulls = self.valid.finish();
        if offsets.last() == Some(&TOO_FAR) {
            return Err(ArrowError::OffsetOverflowError(i32::MAX as usize));
        }
        Ok((OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls))
    }
}

/// Which objects of a column are there.
#[derive(Debug)]
pub(super) struct Presence {
    valid: NullBufferBuilder,
}

impl Presence {
    pub(super) fn new() -> Self {
        Self { valid: NullBufferBuilder::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    pub(super) fn push(&mut self, row: usize) {
        self.pad(row);
        self.valid.append_non_null();
    }

    pub(super) fn truncate(&mut self, row: usize) {
        self.valid.truncate(row);
    }

    fn pad(&mut self, rows: usize) {
        if let Some(gap) = rows.checked_sub(self.len()).filter(|gap| *gap > 0) {
            self.valid.append_n_nulls(gap);
        }
    }

    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        self.pad(rows);
        self.valid.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_too_long_stay_refused_when_one_is_taken_out() {
        let mut ends = Ends::new();
        for (row, end) in [3, 5, usize::MAX].into_iter().enumerate() {
            ends.push(row, end);
        }
        assert_eq!(ends.remove(0), 0..3);
        assert!(ends.finish(2).is_err());
        for (row, end) in [3, 5, 9].into_iter().enumerate() {
            ends.push(row, end);
        }
        assert_eq!(ends.remove(1), 3..5);
        assert_eq!(ends.finish(2).unwrap().0.as_ref(), [0, 3, 7]);
    }
}
