//! Renders raw operations: one function each.

use std::fmt::Write as _;

use super::rust_type;
use crate::operation::{Answer, Body, Raw};
use crate::schema::Shape;

/// Documentation of the functions' one shape is the module's; each says its route, its query and its answer.
pub(crate) fn render(raw: &Raw) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, raw);
    out
}

fn write(out: &mut String, raw: &Raw) -> std::fmt::Result {
    let method = raw.method.to_uppercase();
    writeln!(out, "\n/// `{method} {}`.", raw.path)?;
    if !raw.query.is_empty() {
        let names: Vec<String> = raw.query.iter().map(|name| format!("`{name}`")).collect();
        writeln!(out, "///\n/// Parameters of the query: {}.", names.join(", "))?;
    }
    let body = match &raw.body {
        Body::Nothing => "",
        Body::Patch | Body::Json { required: true, .. } => "\n        .json(body)",
        Body::Json { required: false, .. } => "\n        .json_opt(body)",
        Body::Form => "\n        .multipart(form)",
    };
    let method = match raw.method.as_str() {
        "get" => "Get",
        "post" => "Post",
        "put" => "Put",
        "patch" => "Patch",
        _ => "Delete",
    };
    writeln!(out, "pub fn {}{} {{", escape(&raw.name), signature(raw))?;
    write!(out, "    Operation::new({:?}, Method::{method}, {:?})", raw.id, raw.path)?;
    for argument in &raw.arguments {
        write!(out, "\n        .argument({:?}, {})", argument.name, escape(&argument.field))?;
    }
    writeln!(out, "{body}\n}}")
}

/// What the function takes and gives.
pub(crate) fn signature(raw: &Raw) -> String {
    let answer = match &raw.answer {
        Answer::Nothing => "Nothing".to_owned(),
        Answer::Download => "Download".to_owned(),
        Answer::Json(shape) => format!("Json<{}>", rust_type(shape)),
        Answer::Records(shape) => format!("Records<{}>", rust_type(shape)),
    };
    let mut parameters: Vec<String> =
        raw.arguments.iter().map(|argument| format!("{}: {}", escape(&argument.field), argument.ty)).collect();
    match &raw.body {
        Body::Nothing => {}
        Body::Patch => parameters.push("body: &Patch".to_owned()),
        Body::Form => parameters.push("form: &Multipart".to_owned()),
        Body::Json { shape, required: true } => parameters.push(format!("body: &{}", borrowed(shape))),
        Body::Json { shape, required: false } => parameters.push(format!("body: Option<&{}>", borrowed(shape))),
    }
    format!("({}) -> Operation<{answer}>", parameters.join(", "))
}

fn borrowed(shape: &Shape) -> String {
    match shape {
        Shape::List(item) => format!("[{}]", rust_type(item)),
        Shape::Text | Shape::Uuid => "str".to_owned(),
        shape => rust_type(shape),
    }
}

/// A name that may be a keyword.
fn escape(name: &str) -> String {
    if syn::parse_str::<syn::Ident>(name).is_ok() { name.to_owned() } else { format!("{name}_") }
}
