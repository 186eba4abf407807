//! The files of the built-in models: a SELECT each, and beside it what is said of the model.

/// The files of a built-in model.
pub(super) struct ModelFiles {
    /// Below `models/`, without an ending.
    pub(super) path: &'static str,
    /// The SELECT. Empty where the rows are computed and not selected.
    pub(super) sql: &'static str,
    /// What is said of it: the keys that `models/README.md` explains.
    pub(super) metadata: &'static str,
}

impl ModelFiles {
    /// Name of the model.
    pub(super) fn name(&self) -> &'static str {
        self.path.rsplit_once('/').map_or(self.path, |(_, name)| name)
    }
}

macro_rules! select {
    ($path:literal) => {
        include_str!(concat!("../../models/", $path, ".sql"))
    };
    ($path:literal computed) => {
        ""
    };
}

macro_rules! models {
    ($($path:literal $($computed:ident)?),+ $(,)?) => {
        /// Those of all built-in models.
        pub(super) const FILES: &[ModelFiles] = &[$(ModelFiles {
            path: $path,
            sql: select!($path $($computed)?),
            metadata: include_str!(concat!("../../models/", $path, ".toml")),
        }),+];
    };
}

models!(
    "staging/timeentry_starts",
    "intermediate/timeentry_days",
    "intermediate/fact_rows",
    "intermediate/company_uses",
    "intermediate/member_uses",
    "intermediate/agreement_uses",
    "intermediate/billableoption_uses",
    "intermediate/timeentrystatus_uses",
    "intermediate/chargetype_uses",
    "intermediate/worktype_uses",
    "intermediate/workrole_uses",
    "intermediate/department_uses",
    "intermediate/businessunit_uses",
    "intermediate/day_uses",
    "intermediate/agreementtype_names",
    "staging/ticket_rows",
    "intermediate/board_uses",
    "intermediate/ticketstatus_uses",
    "intermediate/priority_uses",
    "intermediate/team_uses",
    "intermediate/prepaid_uses",
    "intermediate/location_uses",
    "staging/contact_uses",
    "staging/sla_uses",
    "intermediate/timeentry_members",
    "intermediate/unticketed_hours",
    "staging/calendar_hours",
    "staging/calendar_holidays",
    "staging/sheet_hours",
    "intermediate/project_rows",
    "intermediate/project_uses",
    "intermediate/phase_uses",
    "staging/project_work",
    "staging/product_uses",
    "staging/agreement_statements",
    "intermediate/agreement_facts",
    "staging/member_costs",
    "staging/project_methods",
    "staging/phase_methods",
    "staging/phase_projects",
    "staging/board_names",
    "staging/status_flags",
    "staging/sla_targets",
    "intermediate/ticket_history",
    "intermediate/ticket_versions",
    "intermediate/ticket_reopenings",
    "intermediate/line_sources",
    "intermediate/project_lines",
    "intermediate/invoice_lines",
    "intermediate/invoice_line_sums",
    "intermediate/invoice_headers",
    "intermediate/deleted_invoices",
    "intermediate/invoice_totals",
    "intermediate/project_bills",
    "staging/project_budgets",
    "staging/all_tickets",
    "intermediate/ticket_work",
    "intermediate/ticket_moves",
    "intermediate/backlog_days",
    "staging/cycle_lengths",
    "intermediate/billing_cycles",
    "staging/opportunity_products",
    "staging/opportunity_forecasts",
    "staging/version_months",
    "intermediate/addition_versions",
    "intermediate/agreement_versions",
    "marts/dimcompany",
    "marts/dimmember",
    "marts/dimagreement",
    "marts/dimagreementtype",
    "marts/dimbillablestatus",
    "marts/dimtimeentrystatus",
    "marts/dimchargetype",
    "marts/dimworktype",
    "marts/dimworkrole",
    "marts/dimdepartment",
    "marts/dimbusinessunit",
    "marts/dimboard",
    "marts/dimticketstatus",
    "marts/dimpriority",
    "marts/dimteam",
    "marts/dimlocation",
    "marts/dimcontact",
    "marts/dimsla",
    "marts/dimconfiguration",
    "marts/dimproduct",
    "marts/dimproject",
    "marts/dimphase",
    "marts/dimdate" computed,
    "intermediate/capacity_days",
    "intermediate/month_ends",
    "intermediate/agreement_months",
    "intermediate/recurring_months",
    "staging/prepaid_terms",
    "staging/prepaid_adjustments",
    "intermediate/prepaid_periods",
    "intermediate/prepaid_caps",
    "marts/fact_timeentry",
    "marts/fact_expenseentry",
    "marts/fact_productitem",
    "marts/fact_invoice",
    "marts/fact_invoiceline",
    "marts/fact_ticket",
    "marts/fact_ticketstatus",
    "marts/fact_backlog",
    "marts/fact_agreementaddition",
    "marts/fact_mrr",
    "marts/fact_prepaid",
    "marts/fact_project",
    "marts/fact_purchaseorderline",
    "marts/fact_opportunity",
    "marts/fact_activity",
    "marts/fact_surveyresult",
    "marts/fact_capacity",
    "marts/fact_timesheet",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::model;
    use super::*;

    #[test]
    fn each_file_is_a_model_in_the_folder_of_what_it_reads() {
        let models = model::models().unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let mut found = BTreeSet::new();
        for layer in ["staging", "intermediate", "marts"] {
            for file in std::fs::read_dir(folder.join(layer)).unwrap() {
                found.insert(format!("{layer}/{}", file.unwrap().file_name().to_str().unwrap()));
            }
        }
        let mut listed = BTreeSet::new();
        for files in FILES {
            listed.insert(format!("{}.toml", files.path));
            listed.extend(Some(format!("{}.sql", files.path)).filter(|_| !files.sql.is_empty()));
            let model = models.iter().find(|model| model.name == files.name()).unwrap();
            let reads_models = models.iter().any(|other| model.reads(&other.name));
            let layer = match (model.is_table(), reads_models) {
                (true, _) => "marts",
                (false, true) => "intermediate",
                (false, false) => "staging",
            };
            assert_eq!(files.path, format!("{layer}/{}", model.name));
        }
        assert_eq!(listed, found);
    }
}
