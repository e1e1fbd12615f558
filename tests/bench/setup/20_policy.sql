-- As many rows as there are keys, ten for each customer, without an index: a policy is asked about every one of them.
CREATE TABLE policy_rows AS SELECT key.n, 'customer_' || key.n / 10 AS customer FROM numbered_keys AS key;
ALTER TABLE policy_rows ENABLE ROW LEVEL SECURITY;
-- Roles are the whole cluster's, and another database may have made them.
DO $$
BEGIN
    CREATE ROLE policy_constant;
    CREATE ROLE policy_principal;
    CREATE ROLE policy_principal_each_row;
EXCEPTION WHEN duplicate_object THEN
END
$$;
GRANT SELECT ON policy_rows TO policy_constant, policy_principal, policy_principal_each_row;
SELECT count(unkey_grant(role, 'verify')) FROM unnest(ARRAY['policy_constant', 'policy_principal', 'policy_principal_each_row']) AS role;
CREATE POLICY constant ON policy_rows TO policy_constant USING (customer = 'customer_17');
CREATE POLICY principal ON policy_rows TO policy_principal USING (customer = (SELECT unkey_external_id()));
CREATE POLICY principal_each_row ON policy_rows TO policy_principal_each_row USING (customer = unkey_external_id());
