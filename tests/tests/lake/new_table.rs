//! A new table is an entry in `lake.toml` and no code: entries are added to a copy of it, and what the generator makes of them
//! is loaded from a simulated tenant into bronze and silver, by the program as it is.

use std::collections::BTreeMap;
use std::path::Path;

use connectwise_codegen::{Selection, Sources, generate};
use connectwise_extract::{contract, decode};
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_pipeline::silver;
use connectwise_sdk::catalog::{Column, Drain, Entity, Kind, Load, Meaning, Parent, Window as Days};
use connectwise_sdk::lake::ENTITIES;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, as_numbers, client};
use serde_json::{Value, json};
use syn::{Expr, Item, Lit};

use crate::steer::{ask, post};

/// A list of its own, and one that hangs on projects.
const ENTRIES: &str = r#"
[[entity]]
name = "OpportunityStage"
path = "/sales/stages"
load = "snapshot"

[[entity]]
name = "ProjectTeamMember"
path = "/project/projects/{parentId}/teamMembers"
load = "children"
parent = { entity = "Project", property = "projectId" }
"#;

/// What the generator makes of `openapi/` with this behind `lake.toml`: the catalogue, as the SDK includes it.
fn catalogue(entries: &str) -> &'static [Entity] {
    let openapi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let folder = tempfile::tempdir().unwrap();
    let files = std::fs::read_dir(openapi).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|file| file.is_file()) {
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let lake = folder.path().join("lake.toml");
    std::fs::write(&lake, std::fs::read_to_string(&lake).unwrap() + entries).unwrap();
    let generated = generate(&Sources::read(folder.path()).unwrap(), &Selection::lake()).unwrap();
    Text::read(&generated.files["lake.rs"]).entities()
}

/// The generated text, read as the compiler would.
struct Text {
    items: BTreeMap<String, Expr>,
}

impl Text {
    fn read(text: &str) -> Self {
        let items = syn::parse_file(text).unwrap().items.into_iter().filter_map(|item| match item {
            Item::Const(item) => Some((item.ident.to_string(), *item.expr)),
            Item::Static(item) => Some((item.ident.to_string(), *item.expr)),
            _ => None,
        });
        Self { items: items.collect() }
    }

    fn entities(&self) -> &'static [Entity] {
        let entities = elements(&self.items["ENTITIES"]).map(|entity| {
            let field = |name: &str| field(entity, name);
            Entity {
                name: text(field("name")),
                table: text(field("table")),
                path: text(field("path")),
                count_path: optional(field("count_path")).map(text),
                bundle: optional(field("bundle")).map(text),
                key: text(field("key")),
                drains: optional(field("drains")).map(drain),
                load: load(field("load")),
                columns: self.columns(field("columns")),
                history: is_true(field("history")),
                on_request: is_true(field("on_request")),
            }
        });
        entities.collect::<Vec<_>>().leak()
    }

    fn columns(&self, list: &Expr) -> &'static [Column] {
        let columns = elements(&self.items[&last(list)]).map(|column| Column {
            name: text(field(column, "name")),
            kind: self.kind(field(column, "kind")),
            meaning: meaning(&last(field(column, "meaning"))),
        });
        columns.collect::<Vec<_>>().leak()
    }

    fn kind(&self, kind: &Expr) -> Kind {
        match kind {
            Expr::Call(call) if last(&call.func) == "Struct" => Kind::Struct(self.columns(&call.args[0])),
            Expr::Call(call) => match &call.args[0] {
                Expr::Reference(element) => Kind::List(Box::leak(Box::new(self.kind(&element.expr)))),
                _ => panic!("a list of what?"),
            },
            kind => match last(kind).as_str() {
                "Int32" => Kind::Int32,
                "Int64" => Kind::Int64,
                "Boolean" => Kind::Boolean,
                "Double" => Kind::Double,
                "Timestamp" => Kind::Timestamp,
                "Utf8" => Kind::Utf8,
                "Json" => Kind::Json,
                "StringMap" => Kind::StringMap,
                other => panic!("{other} is no kind"),
            },
        }
    }
}

fn load(load: &Expr) -> Load {
    match load {
        Expr::Struct(load) => {
            let windows = elements(field_of(load, "windows"))
                .map(|window| Days { field: text(field(window, "field")), days: number(field(window, "days")) });
            let windows = windows.collect::<Vec<_>>().leak();
            Load::Incremental { watermark: text(field_of(load, "watermark")), windows }
        }
        Expr::Call(call) => {
            let parent = &call.args[0];
            Load::Children(Parent {
                entity: text(field(parent, "entity")),
                property: optional(field(parent, "property")).map(text),
                conditions: optional(field(parent, "conditions")).map(text),
                bundle: text(field(parent, "bundle")),
                runs: number(field(parent, "runs")),
            })
        }
        load => {
            assert_eq!(last(load), "Snapshot");
            Load::Snapshot
        }
    }
}

fn meaning(name: &str) -> Meaning {
    match name {
        "Plain" => Meaning::Plain,
        "Decimal" => Meaning::Decimal,
        "Date" => Meaning::Date,
        "Instant" => Meaning::Instant,
        "Secret" => Meaning::Secret,
        "Personal" => Meaning::Personal,
        "Name" => Meaning::Name,
        other => panic!("{other} is no meaning"),
    }
}

fn elements(list: &Expr) -> impl Iterator<Item = &Expr> {
    let Expr::Reference(list) = list else { panic!("no list") };
    let Expr::Array(list) = list.expr.as_ref() else { panic!("no list") };
    list.elems.iter()
}

fn field<'a>(of: &'a Expr, name: &str) -> &'a Expr {
    let Expr::Struct(of) = of else { panic!("{name} of what?") };
    field_of(of, name)
}

fn field_of<'a>(of: &'a syn::ExprStruct, name: &str) -> &'a Expr {
    let is = |field: &&syn::FieldValue| matches!(&field.member, syn::Member::Named(member) if member == name);
    &of.fields.iter().find(is).unwrap_or_else(|| panic!("no field {name}")).expr
}

fn last(path: &Expr) -> String {
    let Expr::Path(path) = path else { panic!("no path") };
    path.path.segments.last().unwrap().ident.to_string()
}

fn drain(expr: &Expr) -> Drain {
    Drain { into: text(field(expr, "into")), by: text(field(expr, "by")), shows: text(field(expr, "shows")) }
}

fn is_true(value: &Expr) -> bool {
    matches!(value, Expr::Lit(literal) if matches!(&literal.lit, Lit::Bool(flag) if flag.value))
}

fn optional(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Call(call) => Some(&call.args[0]),
        _ => None,
    }
}

fn text(expr: &Expr) -> &'static str {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value().leak(),
            _ => panic!("no text"),
        },
        _ => panic!("no text"),
    }
}

fn number(expr: &Expr) -> u32 {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().unwrap(),
            _ => panic!("no number"),
        },
        _ => panic!("no number"),
    }
}

/// The columns of a schema, as the snapshots of the contracts write them.
macro_rules! columns {
    ($schema:expr) => {{
        let schema = $schema;
        let nullable = |nullable: bool| if nullable { "" } else { " not null" };
        let fields = schema.fields().iter();
        let line =
            fields.map(|field| format!("{} {}{}", field.name(), field.data_type(), nullable(field.is_nullable())));
        line.collect::<Vec<String>>()
    }};
}

/// The bronze rows as records. The program's own queries know the tables of its catalogue only.
async fn records(lakehouse: &Lakehouse, entity: &Entity) -> Vec<Value> {
    let session = lakehouse.lake().session().unwrap();
    assert!(lakehouse.lake().register(&session, "t", &TableName::bronze(entity.table)).await.unwrap());
    let mut records = Vec::new();
    for batch in session.table("t").await.unwrap().collect().await.unwrap() {
        for row in 0..batch.num_rows() {
            records.push(serde_json::from_str(&decode::rebuild(entity, &batch, row).unwrap()).unwrap());
        }
    }
    records
}

#[test]
fn what_is_read_here_is_what_is_compiled() {
    assert_eq!(catalogue(""), ENTITIES);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_makes_a_table() {
    let all = catalogue(ENTRIES);
    assert_eq!(&all[..ENTITIES.len()], ENTITIES);
    let new: Vec<&'static Entity> = all[ENTITIES.len()..].iter().collect();
    assert_eq!(new.iter().map(|entity| entity.table).collect::<Vec<_>>(), ["opportunitystage", "projectteammember"]);

    let [stage, member] = new[..] else { panic!("two entries make two tables") };
    let bronze = columns!(contract::bronze(stage));
    for column in ["id Int32 not null", "name Utf8", "_rescued Utf8", "_etl_content_hash Int64 not null"] {
        assert!(bronze.iter().any(|found| found == column), "{column}: {bronze:#?}");
    }
    let bronze = columns!(contract::bronze(member));
    for column in ["id Int32 not null", "projectId Int32", "_etl_parent_id Int64 not null"] {
        assert!(bronze.iter().any(|found| found == column), "{column}: {bronze:#?}");
    }
    let flat = columns!(silver::schema(member));
    for column in ["memberId Int32", "_etl_parent_id Int64 not null", "isDeleted Boolean not null"] {
        assert!(flat.iter().any(|found| found == column), "{column}: {flat:#?}");
    }

    let simulator = Simulator::builder().seed(9).scale(300).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    for mode in [Mode::Full, Mode::Incremental] {
        let plan = Plan::new(vec![Layer::Bronze, Layer::Silver], mode, new.clone());
        let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
        assert_eq!(report.outcome(), "done", "{report:?}");
        for entity in &new {
            let path = entity.path.replace("{parentId}", "*");
            let Value::Array(mut truth) = ask(&simulator, &format!("truth{path}")).await else { panic!("{path}") };
            truth.iter_mut().for_each(|row| drop(row.as_object_mut().unwrap().remove("_parentId")));
            let by_id = |rows: Vec<Value>| -> BTreeMap<i64, Value> {
                rows.iter().map(|row| (row["id"].as_i64().unwrap(), as_numbers(row))).collect()
            };
            assert!(truth.len() > 3, "{path}");
            let rows = truth.len();
            assert_eq!(by_id(records(&lakehouse, entity).await), by_id(truth), "{path}");
            let silver =
                lakehouse.lake().table(&TableName::silver(entity.table)).await.unwrap().row_count().await.unwrap();
            assert_eq!(silver, rows as u64, "{path}");
        }
        post(&simulator, "advance", json!({ "/sales/stages": { "edit": 1, "insert": 1 } })).await;
        post(&simulator, "advance", json!({ "Project": { "insert": 1 } })).await;
    }
}
