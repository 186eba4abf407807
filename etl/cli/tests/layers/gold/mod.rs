//! Gold over a hand-made tenant: every expected value here was worked out by hand from the contract of the star schema.

mod classification;
mod equivalence;
mod golden;
mod invoice_lines;
mod measures;
mod own;
mod people;
mod pictures;
mod prepaid;
mod projects;
mod rebuild;
mod recurring;
mod schema;
mod tenant;
mod tested;
mod tickets;
mod withheld;
mod zones;
