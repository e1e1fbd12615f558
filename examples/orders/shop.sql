-- A shop that is paid in credits of API keys. An order, what it cost and the goods it took are one transaction, and a request
-- that is sent again is the same order.

CREATE TABLE items (
    name  text PRIMARY KEY,
    price bigint NOT NULL CHECK (price > 0),
    stock bigint NOT NULL CHECK (stock >= 0)
);

CREATE TABLE orders (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key_id   text NOT NULL DEFAULT unkey_key_id(),
    customer text NOT NULL DEFAULT unkey_external_id(),
    item     text NOT NULL REFERENCES items,
    quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    paid     bigint NOT NULL,
    delivery text NOT NULL CHECK (delivery IN ('courier', 'pickup'))
);

-- How many couriers are free, in one row.
CREATE TABLE couriers (free bigint NOT NULL CHECK (free >= 0));

-- SQLSTATEs of the form PTxyz are what PostgREST answers with HTTP status xyz.

-- Takes credits of a key, or fails.
CREATE FUNCTION pay(key text, price bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    code text := (unkey_verify_key(key, cost => price)).code;
BEGIN
    IF code <> 'VALID' THEN
        RAISE EXCEPTION 'can''t pay % credits: %', price, code USING ERRCODE = 'PT402';
    END IF;
END
$$;

-- Takes goods off the shelf, or fails; answers what they cost.
CREATE FUNCTION take(item text, quantity bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    price bigint;
BEGIN
    UPDATE items SET stock = stock - quantity WHERE name = item AND stock >= quantity RETURNING items.price * quantity INTO price;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there are no % of %', quantity, item USING ERRCODE = 'PT409';
    END IF;
    RETURN price;
END
$$;

CREATE FUNCTION book_courier() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE couriers SET free = free - 1 WHERE free > 0;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no courier is free' USING ERRCODE = 'PT503';
    END IF;
END
$$;

-- What is new about a request: pays, takes the goods, and books a courier for 5 credits more. Where there is no courier, the
-- block's savepoint takes back its fee and nothing else.
CREATE FUNCTION buy(key text, item text, quantity bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    fee CONSTANT bigint := 5;
    done orders;
BEGIN
    INSERT INTO orders (item, quantity, paid, delivery) VALUES (item, quantity, take(item, quantity), 'pickup') RETURNING * INTO done;
    PERFORM pay(key, done.paid);
    BEGIN
        PERFORM pay(key, fee);
        PERFORM book_courier();
        UPDATE orders SET paid = paid + fee, delivery = 'courier' WHERE id = done.id RETURNING * INTO done;
    EXCEPTION WHEN SQLSTATE 'PT503' THEN
    END;
    RETURN to_jsonb(done) - 'key_id';
END
$$;

-- All that an app calls. Whatever fails takes everything back, and its retry is a first time.
CREATE FUNCTION place_order(key text, idempotency_key text, item text, quantity bigint) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    -- Costs nothing: a retry must not fail because the balance is used up.
    code  text := (unkey_authenticate(key, permissions => 'orders.place', cost => 0)).code;
    known jsonb;
BEGIN
    IF code <> 'VALID' THEN
        RAISE EXCEPTION 'this key may not order: %', code
            USING ERRCODE = CASE code WHEN 'RATE_LIMITED' THEN 'PT429' WHEN 'INSUFFICIENT_PERMISSIONS' THEN 'PT403' ELSE 'PT401' END;
    END IF;
    known := unkey_begin_request(idempotency_key, jsonb_build_object('item', item, 'quantity', quantity));
    RETURN coalesce(known, unkey_finish_request(idempotency_key, buy(key, item, quantity)));
END
$$;

REVOKE EXECUTE ON FUNCTION pay, take, book_courier, buy, place_order FROM PUBLIC;
