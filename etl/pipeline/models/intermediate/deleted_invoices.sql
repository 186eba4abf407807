-- Invoices that are gone at the source. Time, expenses and products may go on naming them: the source need not change those when it
-- deletes an invoice.
select invoiceId
from invoice_headers
where isDeleted
