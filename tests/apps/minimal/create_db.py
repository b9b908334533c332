from app import connect

with connect() as connection, connection.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS minimal (id serial PRIMARY KEY, text text NOT NULL)")
