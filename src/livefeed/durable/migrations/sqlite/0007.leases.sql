-- A file has as many leases as one process holds, a thousand or so: which of a consumer's have run out is found among
-- them. A second tree to write at each lease and each settle is dearer.

DROP INDEX lease_by_end;
