//! Any record as a [`Cell`].

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::cell::Cell;

/// Writes a record as a cell.
///
/// # Errors
/// When it isn't made of what JSON has.
pub(super) fn cell<T: Serialize + ?Sized>(record: &T) -> Result<Cell, Unwritable> {
    record.serialize(Writer)
}

/// Why a record is no cell.
#[derive(Debug)]
pub(super) struct Unwritable(String);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Writer;

impl Serializer for Writer {
    type Ok = Cell;
    type Error = Unwritable;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Impossible<Cell, Unwritable>;
    type SerializeMap = Object;
    type SerializeStruct = Object;
    type SerializeStructVariant = Impossible<Cell, Unwritable>;

    fn serialize_bool(self, value: bool) -> Result<Cell, Unwritable> {
        Ok(Cell::Boolean(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Cell, Unwritable> {
        Ok(Cell::Integer(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Cell, Unwritable> {
        Ok(i64::try_from(value).map_or(Cell::Large(value), Cell::Integer))
    }

    fn serialize_f32(self, value: f32) -> Result<Cell, Unwritable> {
        Ok(Cell::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Cell, Unwritable> {
        Ok(Cell::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Cell, Unwritable> {
        Ok(Cell::Text(value.into()))
    }

    fn serialize_str(self, text: &str) -> Result<Cell, Unwritable> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Cell, Unwritable> {
        Ok(Cell::List(bytes.iter().map(|byte| Cell::Integer((*byte).into())).collect()))
    }

    fn serialize_none(self) -> Result<Cell, Unwritable> {
        Ok(Cell::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Cell, Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Cell, Unwritable> {
        Ok(Cell::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Cell, Unwritable> {
        Ok(Cell::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Cell, Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Cell, Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Cell, Unwritable> {
        Ok(Cell::Map(vec![(variant.to_owned(), value.serialize(self)?)]))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List, Unwritable> {
        Ok(List(Vec::with_capacity(length.unwrap_or(0))))
    }

    fn serialize_tuple(self, length: usize) -> Result<List, Unwritable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List, Unwritable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(ser::Error::custom(format!("the variant {variant} is none of JSON's values")))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Object, Unwritable> {
        Ok(Object { entries: Vec::with_capacity(length.unwrap_or(0)), name: String::new() })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Object, Unwritable> {
        // Numbers are written so where a program switches on serde_json's `arbitrary_precision`, and no column would know one.
        if name.starts_with("$serde_json::private::") {
            return Err(ser::Error::custom(
                "a number is written in a way of serde_json's own: do without its arbitrary_precision",
            ));
        }
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(ser::Error::custom(format!("the variant {variant} is none of JSON's values")))
    }
}

struct List(Vec<Cell>);

impl ser::SerializeSeq for List {
    type Ok = Cell;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.0.push(cell(value)?);
        Ok(())
    }

    fn end(self) -> Result<Cell, Unwritable> {
        Ok(Cell::List(self.0))
    }
}

impl ser::SerializeTuple for List {
    type Ok = Cell;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Cell, Unwritable> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for List {
    type Ok = Cell;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Cell, Unwritable> {
        ser::SerializeSeq::end(self)
    }
}

struct Object {
    entries: Vec<(String, Cell)>,
    name: String,
}

impl ser::SerializeMap for Object {
    type Ok = Cell;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match cell(key)? {
            Cell::Text(name) => self.name = name,
            _ => return Err(ser::Error::custom("the name of a property is no text")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.entries.push((std::mem::take(&mut self.name), cell(value)?));
        Ok(())
    }

    fn end(self) -> Result<Cell, Unwritable> {
        Ok(Cell::Map(self.entries))
    }
}

impl ser::SerializeStruct for Object {
    type Ok = Cell;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unwritable> {
        self.entries.push((name.to_owned(), cell(value)?));
        Ok(())
    }

    fn end(self) -> Result<Cell, Unwritable> {
        Ok(Cell::Map(self.entries))
    }
}
