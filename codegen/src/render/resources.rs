//! Renders which resources exist and which verbs they have.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::names::{field_name, type_name};
use crate::resource::{Resource, Verb};
use crate::schema::{Schema, Schemas, Shape};

/// The text that `connectwise_sdk::models` includes.
pub(crate) fn render(resources: &[Resource], schemas: &Schemas) -> TokenStream {
    let items = resources.iter().map(|resource| {
        let ty = format_ident!("{}", type_name(&resource.schema));
        let (name, path) = (&resource.schema, &resource.path);
        let id = id(resource, schemas);
        let verbs = resource.verbs.iter().map(|(verb, _)| match (verb, &resource.count_path) {
            (Verb::Count, Some(count)) => {
                quote!(impl resource::Count for #ty { const COUNT_PATH: &'static str = #count; })
            }
            (Verb::Count, None) => TokenStream::new(),
            (verb, _) => {
                let marker = format_ident!("{}", format!("{verb:?}"));
                quote!(impl resource::#marker for #ty {})
            }
        });
        quote! {
            impl resource::Resource for #ty {
                const NAME: &'static str = #name;
                const PATH: &'static str = #path;
                fn id(&self) -> Option<i64> { #id }
            }
            #(#verbs)*
        }
    });
    quote! {
        use crate::resource;
        #(#items)*
    }
}

fn id(resource: &Resource, schemas: &Schemas) -> TokenStream {
    let Some(Schema::Object(properties)) = schemas.get(&resource.schema) else { return quote!(None) };
    let key = properties.iter().find(|property| property.name == resource.key);
    let field = syn::parse_str::<syn::Ident>(&field_name(&resource.key));
    match (key.map(|key| &key.shape), field) {
        (Some(Shape::Int32), Ok(field)) => quote!(self.#field.map(i64::from)),
        (Some(Shape::Int64), Ok(field)) => quote!(self.#field),
        _ => quote!(None),
    }
}
