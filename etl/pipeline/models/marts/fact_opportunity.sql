-- One row per opportunity. Its amount is that of its forecast, where the PSA has one with an amount, else that of the products on it, and not
-- known where it has neither: the record itself has no amount. Weighted, an open opportunity counts with its probability, a won one whole, and any other closed one
-- not at all. Whether a status is closed, won or lost is what the list of statuses says.
with stated as (
    select
        o.*,
        case when s.id is not null then coalesce(s.wonFlag, false) else false end as isWon,
        case when s.id is not null then coalesce(s.lostFlag, false) and not coalesce(s.wonFlag, false) else false end as isLost,
        -- Of a status that isn't in the list, the closing date tells.
        case
            when s.id is not null then coalesce(s.closedFlag, false) or coalesce(s.wonFlag, false) or coalesce(s.lostFlag, false)
            else o.closedDate is not null
        end as isClosed,
        -- The name of a probability is its number.
        try_cast(trim(replace(o.probabilityName, '%', '')) as decimal(19, 4)) as statedProbability,
        cast(from_utc_timestamp(o.closedDate, '${time_zone}') as date) as closedOn,
        cast(from_utc_timestamp(o.dateEntered, '${time_zone}') as date) as enteredOn
    from silver_cw_opportunity o
    left join silver_cw_opportunitystatus s on s.id = o.statusId
),
judged as (
    select
        t.*,
        case when t.statedProbability >= 0 and t.statedProbability <= 100 then t.statedProbability end as probability,
        coalesce(t.dateBecameLead, t.enteredOn) as beganOn,
        case when t.isWon then 'Won' when t.isLost then 'Lost' when t.isClosed then 'Closed' else 'Open' end as outcome,
        p.productCount,
        coalesce(f.forecastAmount, p.forecastAmount) as forecastAmount,
        case when f.opportunityId is not null then f.forecastCost else p.forecastCost end as forecastCost,
        r.asOf
    from stated t
    cross join run_day r
    left join opportunity_products p on p.opportunityId = t.id
    left join opportunity_forecasts f on f.opportunityId = t.id
)
select
    sha2(cast(j.id as string), 256) as OpportunitySK,
    j.id as opportunityId, j.name as opportunityName, j.typeId, j.typeName, j.stageId, j.stageName, j.statusId, j.statusName,
    j.outcome, j.isClosed, j.isWon, j.isLost, j.probabilityId, j.probability, j.ratingId, j.ratingName, j.priorityId as opportunityPriorityId,
    j.priorityName as opportunityPriority, j.source, j.campaignId, j.campaignName, j.companyId, j.companyName, j.contactId, j.contactName,
    j.primarySalesRepId as memberId, j.primarySalesRepName as memberName,
    coalesce(j.currencyCurrencyCode, j.currencyCurrencyIdentifier, j.currencyName) as currency,
    cast(coalesce(j.productCount, cast(0 as bigint)) as int) as productCount,
    j.forecastAmount, j.forecastCost,
    try_cast(j.forecastAmount - j.forecastCost as decimal(19, 4)) as forecastMargin,
    case
        when j.isWon then j.forecastAmount
        when j.isClosed then cast(0 as decimal(19, 4))
        else try_cast(
            cast(j.forecastAmount as decimal(18, 4)) * cast(j.probability as decimal(7, 4)) * cast(0.01 as decimal(3, 2)) as decimal(19, 4)
        )
    end as weightedAmount,
    j.dateBecameLead, j.expectedCloseDate, j.closedDate, j.pipelineChangeDate, j.dateEntered, j.lastUpdated,
    cast(case when not j.isClosed and not j.isDeleted then datediff(j.asOf, j.beganOn) end as int) as ageDays,
    cast(case when j.isClosed then datediff(j.closedOn, j.beganOn) end as int) as daysToClose,
    coalesce(not j.isClosed and not j.isDeleted and j.expectedCloseDate < j.asOf, false) as isOverdue,
    coalesce(de.DateKey, -1) as EnteredDateSK,
    coalesce(dx.DateKey, -1) as ExpectedCloseDateSK,
    coalesce(ds.DateKey, -1) as ClosedDateSK,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(dco.ContactKey, -1) as ContactKey,
    j.isDeleted
from judged j
left join dimdate de on de.`Date` = j.enteredOn
left join dimdate dx on dx.`Date` = j.expectedCloseDate
left join dimdate ds on ds.`Date` = j.closedOn
left join dimcompany dc on dc.companyId = j.companyId
left join dimmember dm on dm.memberId = j.primarySalesRepId
left join dimcontact dco on dco.contactId = j.contactId
