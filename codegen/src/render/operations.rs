//! Renders operations with progenitor, on the SDK's own models, and puts them on the SDK's own client: the calls that
//! progenitor writes stay as they are, but for who sends them and what they end in (`operation!` in the SDK).

use std::collections::BTreeMap;

use quote::{ToTokens, format_ident, quote};
use syn::{ImplItem, Item, parse_quote};

use super::prepared::Prepared;
use super::rust_type;
use crate::error::{Kind, Result};
use crate::names::pascal_name;
use crate::operation::{Answer, Body, Raw};
use crate::schema::Shape;

/// The texts of these operations, in their order.
pub(crate) fn render(raws: &[&Raw]) -> Result<Vec<String>> {
    if raws.is_empty() {
        return Ok(Vec::new());
    }
    let mut document = Prepared::default();
    raws.iter().for_each(|raw| document.add(raw));
    let mut calls = Calls::of(document.generate()?)?;
    raws.iter().map(|raw| calls.text(raw)).collect()
}

/// What progenitor wrote, by the names of the calls and of the structs that they give.
struct Calls {
    methods: BTreeMap<String, syn::ImplItemFn>,
    structs: BTreeMap<String, (Option<syn::ItemStruct>, Option<syn::ItemImpl>)>,
}

impl Calls {
    fn of(file: syn::File) -> Result<Self> {
        let mut calls = Self { methods: BTreeMap::new(), structs: BTreeMap::new() };
        for item in file.items {
            match item {
                Item::Impl(item) if item.trait_.is_none() => {
                    let methods = item.items.into_iter().filter_map(|item| match item {
                        ImplItem::Fn(method) => Some((method.sig.ident.to_string(), method)),
                        _ => None,
                    });
                    calls.methods.extend(methods);
                }
                Item::Mod(module) if module.ident == "builder" => {
                    for item in module.content.into_iter().flat_map(|(_, items)| items) {
                        match item {
                            Item::Struct(item) => {
                                let name = item.ident.to_string();
                                calls.structs.entry(name).or_default().0 = Some(item);
                            }
                            Item::Impl(item) => {
                                if let Some(name) = last_segment(&item.self_ty) {
                                    calls.structs.entry(name).or_default().1 = Some(item);
                                }
                            }
                            _ => {}
                        }
                    }
                }
                // A type that progenitor had to write is one that the SDK has already.
                Item::Mod(module) if module.ident == "types" => {
                    let items = module.content.into_iter().flat_map(|(_, items)| items);
                    let own = items.into_iter().find_map(|item| match item {
                        Item::Struct(item) => Some(item.ident),
                        Item::Enum(item) => Some(item.ident),
                        _ => None,
                    });
                    if let Some(ty) = own {
                        return Err(Kind::OwnType { ty: ty.to_string() }.into());
                    }
                }
                _ => {}
            }
        }
        Ok(calls)
    }

    fn text(&mut self, raw: &Raw) -> Result<String> {
        let lost = || Kind::CallLost { name: raw.name.clone() };
        let mut method = self.methods.remove(&raw.name).ok_or_else(lost)?;
        let syn::ReturnType::Type(_, given) = &method.sig.output else { return Err(lost().into()) };
        let name = last_segment(given).ok_or_else(lost)?;
        let (Some(mut builder), Some(mut calls)) = self.structs.remove(&name).unwrap_or_default() else {
            return Err(lost().into());
        };
        let ty = format_ident!("{name}");
        let sender = match (&raw.body, &raw.answer) {
            (Body::Form, _) => quote!(Sender::of_form(self)),
            (_, Answer::Download) => quote!(Sender::of_download(self)),
            _ => quote!(Sender::of(self)),
        };
        method.sig.output = parse_quote!(-> #ty<'_>);
        method.block = parse_quote!({ #ty::new(#sender) });
        // The operation owns who sends it, and shows no body.
        let mut client = None;
        for field in &mut builder.fields {
            if matches!(&field.ty, syn::Type::Reference(_)) {
                field.ty = parse_quote!(Sender<'a>);
                client = field.ident.clone();
            }
        }
        let client = client.ok_or_else(lost)?;
        let can_clone = builder.attrs.iter().any(|attribute| attribute.to_token_stream().to_string().contains("Clone"));
        let route = format!("{} {}", raw.method.to_uppercase(), raw.path);
        let call = &raw.name;
        let doc = format!(" `{route}`, as [`Client::{call}`](crate::Client::{call}) gives it.");
        builder.attrs =
            vec![parse_quote!(#[doc = #doc]), parse_quote!(#[must_use = "an operation does nothing until it is sent"])];
        if can_clone {
            builder.attrs.push(parse_quote!(#[derive(Clone)]));
        }
        let mut answer = None;
        for item in &mut calls.items {
            let ImplItem::Fn(function) = item else { continue };
            if function.sig.ident == "new" {
                function.vis = syn::Visibility::Inherited;
                function.sig.inputs = parse_quote!(client: Sender<'a>);
            } else if function.sig.ident == "send" {
                function.vis = syn::Visibility::Inherited;
                function.attrs = Vec::new();
                function.sig.ident = format_ident!("ask");
                answer = answered(&function.sig.output);
            }
        }
        let answer = answer.ok_or_else(lost)?;
        let verb = format_ident!("{}", pascal_name(&raw.method));
        let path = &raw.path;
        let items = vec![
            parse_quote!(impl crate::Client { #method }),
            builder.into(),
            calls.into(),
            parse_quote!(operation! { #ty #client #verb #path #answer }),
        ];
        Ok(prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items }))
    }
}

/// `X` of `a::X<'a>`.
fn last_segment(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// `T` of `Result<ResponseValue<T>, E>`.
fn answered(output: &syn::ReturnType) -> Option<syn::Type> {
    let syn::ReturnType::Type(_, ty) = output else { return None };
    argument(&argument(ty)?)
}

/// `T` of `X<T, ..>`.
fn argument(ty: &syn::Type) -> Option<syn::Type> {
    let syn::Type::Path(path) = ty else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

/// What a call takes and gives, for those who compare two documents.
pub(crate) fn signature(raw: &Raw) -> String {
    let answer = match &raw.answer {
        Answer::Nothing => "()".to_owned(),
        Answer::Download => "Download".to_owned(),
        Answer::Json(shape) => rust_type(shape),
        Answer::Records(shape) => format!("OneOrMany<{}>", rust_type(shape)),
    };
    let arguments =
        raw.arguments.iter().map(|argument| format!("{}: {}", argument.field, segment_type(&argument.shape)));
    let body = match &raw.body {
        Body::Nothing => None,
        Body::Patch => Some("body: Patch".to_owned()),
        Body::Form => Some("body: Multipart".to_owned()),
        Body::Json(shape) => Some(format!("body: {}", rust_type(shape))),
    };
    format!("({}) -> {answer}", arguments.chain(body).collect::<Vec<_>>().join(", "))
}

fn segment_type(shape: &Shape) -> &'static str {
    match shape {
        Shape::Int32 | Shape::Int64 => "i64",
        Shape::Boolean => "bool",
        _ => "Segment",
    }
}

/// Calls of these operations with values that a test gives, as a list of it.
pub(crate) fn calls(raws: &[&Raw]) -> String {
    let mut lines = String::new();
    for raw in raws {
        let mut call = format!("client.{}()", raw.name);
        for argument in raw.arguments.iter().chain(&raw.query) {
            let value = match argument.shape {
                Shape::Int32 | Shape::Int64 => "number",
                Shape::Double => "double",
                Shape::Boolean => "flag",
                _ => "text",
            };
            call.push_str(&format!(".{}(given.{value}({:?}))", super::escape(&argument.field), argument.name));
        }
        match &raw.body {
            Body::Nothing => {}
            Body::Patch => call.push_str(".body(given.patch())"),
            Body::Form => call.push_str(".body(given.form())"),
            Body::Json(shape) => call.push_str(&format!(".body(given.body::<{}>())", rust_type(shape))),
        }
        let sent = match raw.answer {
            Answer::Download => format!("whole({call}.send().await?, given).await"),
            _ => format!("{call}.send().await.map(drop)"),
        };
        let method = &raw.method;
        let path = &raw.path;
        lines.push_str(&format!("    ({method:?}, {path:?}, |client, given| Box::pin(async move {{ {sent} }})),\n"));
    }
    format!("const CALLS: &[(&str, &str, Call)] = &[\n{lines}];\n")
}
