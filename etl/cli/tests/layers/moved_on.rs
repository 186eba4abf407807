//! A write is made upon the version that was opened, or not at all.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connectwise_lakehouse::error::Kind;
use connectwise_lakehouse::{Changes, Commit, Lake, Layer, Result, Source, Table, TableName};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("text", DataType::Utf8, true)]))
}

fn rows(ids: &[i64]) -> RecordBatch {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(ids.iter().map(i64::to_string)));
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(ids.to_vec())), texts]).unwrap()
}

fn wider(ids: &[i64]) -> (SchemaRef, RecordBatch) {
    let mut fields = schema().fields().to_vec();
    fields.push(Arc::new(Field::new("more", DataType::Utf8, true)));
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let mut columns = rows(ids).columns().to_vec();
    columns.push(arrow::array::new_null_array(&DataType::Utf8, ids.len()));
    (schema.clone(), RecordBatch::try_new(schema, columns).unwrap())
}

/// All ways in which a table is written.
const VERBS: [&str; 9] = [
    "overwrite",
    "overwrite through files",
    "overwrite with files",
    "merge upserts",
    "merge deletes",
    "merge by Delta",
    "append",
    "commit transactions",
    "comment",
];

async fn write(verb: &str, table: &Table) -> Result<()> {
    let commit = Commit::new("late").transaction("application", 7);
    match verb {
        "overwrite" | "overwrite through files" => {
            let source = Source::batches(&table.lake().session()?, vec![rows(&[9])])?;
            table.overwrite(&schema(), source, &commit).await.map(drop)
        }
        "overwrite with files" => {
            let mut writer = table.file_writer(&schema(), "id").await?;
            writer.write(&rows(&[9]))?;
            let files: Vec<_> = writer.finish().await?.into_iter().collect();
            table.overwrite_with_files(&schema(), &files, &commit).await.map(drop)
        }
        "merge upserts" => table.merge(&schema(), Changes::upserts("id", vec![rows(&[1, 9])]), &commit).await.map(drop),
        "merge deletes" => {
            let changes = Changes::upserts("id", Vec::new()).deleting(vec![1]);
            table.merge(&schema(), changes, &commit).await.map(drop)
        }
        "merge by Delta" => {
            let (schema, rows) = wider(&[1, 9]);
            table.merge(&schema, Changes::upserts("id", vec![rows]), &commit).await.map(drop)
        }
        "append" => table.append(&rows(&[9]), &commit).await,
        "commit transactions" => table.commit_transactions(&commit).await.map(drop),
        "comment" => table.comment("text", "what it says", &commit).await.map(drop),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_refuses_a_table_that_moved_on() {
    for verb in VERBS {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
        // Bronze is overwritten through files of this program's, silver by Delta.
        let layer = if verb == "overwrite through files" { Layer::Bronze } else { Layer::Silver };
        let name = TableName { layer, name: "thing".to_owned() };
        let empty = lake.table(&name).await.unwrap();
        empty.append(&rows(&[1, 2, 3]), &Commit::new("first")).await.unwrap();
        let stale = lake.table(&name).await.unwrap();
        stale.append(&rows(&[4]), &Commit::new("second")).await.unwrap();
        let now = stale.refresh().await.unwrap();

        let error = write(verb, &stale).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict, "{verb}: {error:?}");
        assert!(error.to_string().contains("was changed by another run meanwhile"), "{verb}: {error}");
        let after = stale.refresh().await.unwrap();
        assert_eq!(after.version(), now.version(), "{verb}");
        assert_eq!(after.keys("id").await.unwrap().iter().collect::<Vec<_>>(), [1, 2, 3, 4], "{verb}");

        // Upon what is there it goes through, and a snapshot stays what it was.
        write(verb, &after).await.unwrap_or_else(|error| panic!("{verb}: {error:?}"));
        assert!(after.refresh().await.unwrap().version() > now.version(), "{verb}");
        assert_eq!(after.row_count().await.unwrap(), 4, "{verb}");
        if verb != "append" && verb != "comment" {
            let number = after.refresh().await.unwrap().transaction("application").await.unwrap();
            assert_eq!(number, Some(7), "{verb}");
        }
    }
}
