//! The row of ids that tickets of both sorts share: of a company's 24 the first 16 are service tickets.

pub(super) const TICKETS_A_COMPANY: u64 = 24;
pub(super) const SERVICE_TICKETS_A_COMPANY: u64 = 16;
const PROJECT_TICKETS_A_COMPANY: u64 = TICKETS_A_COMPANY - SERVICE_TICKETS_A_COMPANY;

/// A sort of tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Service,
    Project,
}

/// The place among all tickets, from 0, of a row of one sort. Ids are one more.
pub(crate) fn ticket_of(sort: Sort, slot: u64) -> u64 {
    let (first, own) = match sort {
        Sort::Service => (0, SERVICE_TICKETS_A_COMPANY),
        Sort::Project => (SERVICE_TICKETS_A_COMPANY, PROJECT_TICKETS_A_COMPANY),
    };
    slot / own * TICKETS_A_COMPANY + first + slot % own
}

/// The other way round.
pub(crate) fn of_ticket(ticket: u64) -> (Sort, u64) {
    let (company, place) = (ticket / TICKETS_A_COMPANY, ticket % TICKETS_A_COMPANY);
    match place.checked_sub(SERVICE_TICKETS_A_COMPANY) {
        None => (Sort::Service, company * SERVICE_TICKETS_A_COMPANY + place),
        Some(place) => (Sort::Project, company * PROJECT_TICKETS_A_COMPANY + place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticket_is_a_row_of_one_sort_and_back() {
        for ticket in 0..1_000 {
            let (sort, slot) = of_ticket(ticket);
            assert_eq!(ticket_of(sort, slot), ticket);
        }
        assert_eq!(
            [of_ticket(15), of_ticket(16), of_ticket(24)],
            [(Sort::Service, 15), (Sort::Project, 0), (Sort::Service, 16)]
        );
    }
}
