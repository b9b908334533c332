from app import connect

with connect() as connection, connection.cursor() as cursor:
    cursor.execute("DROP TABLE IF EXISTS minimal")
