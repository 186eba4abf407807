//! Schemas and properties that would be called the same in Rust.

use heck::ToShoutySnakeCase;

use crate::names::{Owner, Scope, field_name, type_name};
use crate::problems::Problems;
use crate::render::fields::module_name;
use crate::render::models::EXTRA;
use crate::schema::{Schema, Schemas};

/// Tells every two things that would have one name.
pub(crate) fn check(schemas: &Schemas, problems: &mut Problems) {
    let mut types = Scope::default();
    let mut modules = Scope::default();
    for (name, schema) in schemas.iter() {
        let ty = type_name(name);
        let taken = types.take(&ty, Owner::schema(name));
        problems.keep(taken.and_then(|()| modules.take(&module_name(&ty), Owner::schema(name))));
        let Schema::Object(properties) = schema else { continue };
        let mut fields = Scope::default();
        let mut constants = Scope::default();
        problems.keep(fields.take(EXTRA, Owner::own("the field for unknown properties")));
        for property in properties {
            let owner = || Owner::property(name, &property.name);
            let field = field_name(&property.name);
            let taken = fields.take(&field, owner());
            problems.keep(taken.and_then(|()| constants.take(&field.to_shouty_snake_case(), owner())));
        }
    }
}
