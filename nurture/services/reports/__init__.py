"""Reports: status, the first page of the studio, and the funnel."""
