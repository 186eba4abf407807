//! Records on their way into a file, one after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

use connectwise_extract::decode::LooseDecoder;
use connectwise_pipeline::error::Result;
use connectwise_sdk::catalog::Entity;
use parquet::arrow::ArrowWriter;

use super::ExtractFormat;
use super::csv::CsvFile;
use crate::file;
use crate::spreadsheet::Cells;
use crate::target::{Target, disk};
use crate::tasks::extract::{Columns, Found, Sink};

/// Records between two batches where they don't come in pages.
const BATCH: usize = 1_000;

/// A file that grows.
pub(super) enum Records {
    /// As the API sent them, one a line.
    Ndjson(Target),
    Csv(Box<CsvFile>),
    Parquet(Box<ParquetFile>),
    /// The columns are known once every record was seen, so the records wait in an unnamed file.
    Waiting(Box<WaitingRecords>),
}

impl Records {
    pub(super) fn new(
        target: Target,
        format: ExtractFormat,
        entity: Option<&'static Entity>,
        fields: Option<&str>,
        cells: Cells,
    ) -> Result<Self> {
        if format == ExtractFormat::Ndjson {
            return Ok(Self::Ndjson(target));
        }
        match entity {
            Some(entity) => Self::with(target, format, &Columns::of(entity.columns, fields), cells),
            None => {
                let spool = BufWriter::new(tempfile::tempfile().map_err(|error| disk(SPOOL, error))?);
                let fields = fields.map(str::to_owned);
                Ok(Self::Waiting(Box::new(WaitingRecords {
                    target,
                    format,
                    fields,
                    cells,
                    spool,
                    found: Found::default(),
                })))
            }
        }
    }

    fn with(target: Target, format: ExtractFormat, columns: &Columns, cells: Cells) -> Result<Self> {
        Ok(match format {
            ExtractFormat::Csv => Self::Csv(Box::new(CsvFile::new(target, columns, cells)?)),
            _ => Self::Parquet(Box::new(ParquetFile::new(target, columns)?)),
        })
    }

    /// Finishes the file, which appears only now, and returns what became of its cells.
    pub(super) fn finish(self) -> Result<Cells> {
        match self {
            Self::Ndjson(target) => target.finish().map(|()| Cells::default()),
            Self::Csv(file) => {
                let (target, cells) = file.finish()?;
                target.finish().map(|()| cells)
            }
            Self::Parquet(mut file) => {
                file.write()?;
                file.writer.into_inner().map_err(file::parquet_fault)?.finish().map(|()| Cells::default())
            }
            Self::Waiting(waiting) => waiting.finish(),
        }
    }
}

impl Sink for Records {
    fn push(&mut self, record: &str) -> Result<()> {
        match self {
            Self::Ndjson(target) => {
                let mut line = one_line(record);
                line.push(b'\n');
                target.write_all(&line).map_err(|error| disk(target.name(), error))
            }
            Self::Csv(file) => file.push(record),
            Self::Parquet(file) => {
                file.decoder.push(record);
                Ok(())
            }
            Self::Waiting(waiting) => {
                waiting.found.see(record);
                let mut line = one_line(record);
                line.push(b'\n');
                waiting.spool.write_all(&line).map_err(|error| disk(SPOOL, error))
            }
        }
    }

    /// Flushes the page to a reader that may wait for it. False if the reader is gone.
    fn page(&mut self) -> Result<bool> {
        let target = match self {
            Self::Ndjson(target) => target,
            Self::Csv(file) => return file.pass_on(),
            Self::Parquet(file) => {
                file.write()?;
                file.writer.inner_mut()
            }
            Self::Waiting(_) => return Ok(true),
        };
        target.pass_on()?;
        Ok(target.is_read())
    }
}

/// A Parquet file of records along known columns.
pub(super) struct ParquetFile {
    decoder: LooseDecoder,
    writer: ArrowWriter<Target>,
}

impl ParquetFile {
    fn new(target: Target, columns: &Columns) -> Result<Self> {
        let decoder = LooseDecoder::new(&columns.list);
        let writer = ArrowWriter::try_new(target, decoder.schema().clone(), None).map_err(file::parquet_fault)?;
        Ok(Self { decoder, writer })
    }

    fn write(&mut self) -> Result<()> {
        file::write_batch(&mut self.writer, &self.decoder.batch()?)
    }
}

const SPOOL: &str = "a temporary file";

/// Records of which the columns aren't known yet.
pub(super) struct WaitingRecords {
    target: Target,
    format: ExtractFormat,
    fields: Option<String>,
    cells: Cells,
    spool: BufWriter<File>,
    found: Found,
}

impl WaitingRecords {
    fn finish(self) -> Result<Cells> {
        let spool = |error: std::io::Error| disk(SPOOL, error);
        let columns = Columns::of(&self.found.columns(), self.fields.as_deref());
        let mut records = Records::with(self.target, self.format, &columns, self.cells)?;
        let mut lines = self.spool.into_inner().map_err(|error| spool(error.into_error()))?;
        lines.rewind().map_err(spool)?;
        for (at, line) in BufReader::new(lines).lines().enumerate() {
            records.push(&line.map_err(spool)?)?;
            if at % BATCH == BATCH - 1 && !records.page()? {
                break;
            }
        }
        records.finish()
    }
}

/// A record's text on one line. Line breaks in JSON are white space between values: inside texts they are escaped.
fn one_line(record: &str) -> Vec<u8> {
    record.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect()
}
