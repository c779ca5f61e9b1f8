FROM node:22-slim AS pages
WORKDIR /app/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app:/app/platform DJANGO_SETTINGS_MODULE=reticle.config.settings
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY platform ./platform
COPY annotations ./annotations
COPY training ./training
COPY manage.py ./
RUN pip install --no-cache-dir -c constraints.txt .
COPY --from=pages /app/frontend/dist ./frontend/dist
RUN useradd --system --uid 10001 reticle && mkdir /data && chown reticle /data
USER reticle
EXPOSE 8000
CMD ["gunicorn", "reticle.config.wsgi", "--worker-class=gthread", "--workers=2", "--threads=8", "--bind=0.0.0.0:8000"]
