import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Currency;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The job of the command handler as a Kafka Streams topology: the same commands, results and events, with the same
 * headers and the same JSON. The changelog of its store is its snapshots topic, so that it writes a state once.
 *
 * <p>It prints {"Running":true} when its state is restored, and {"Allocated":n} for each line that it reads; it ends
 * when its input does.
 */
public final class App {
  record Customer(String name, String email, String address) {}

  record LineDetails(String description, String quantity, String unitPrice) {}

  record Money(String amount, String currency) {}

  record LineItem(String id, String description, String quantity, String unitPrice, Money net) {}

  record Payment(String id, Money amount, String date, String reference) {}

  record Invoice(Customer customer, String issueDate, String dueDate, String currency, String status,
      List<LineItem> lines, int lastLine, Money total, Money paid, Money balance, List<Payment> payments) {}

  record CreateInvoice(Customer customer, String issueDate, String dueDate, String currency, List<LineDetails> lines) {}

  record ChangeLineItem(String lineId, String description, String quantity, String unitPrice) {}

  sealed interface Event permits InvoiceCreated, LineItemChanged {}

  record InvoiceCreated(Customer customer, String issueDate, String dueDate, String currency, List<LineItem> lines,
      Money total) implements Event {}

  record LineItemChanged(LineItem line, Money total) implements Event {}

  record Snapshot(long version, int revision, String time, String command, long commandOffset, Invoice state) {}

  record Payload(String type, int schemaVersion, long version, Integer revision, String time, String command,
      long commandOffset, Object data) {}

  record Result(String outcome, long version, String code, String message, List<Payload> events, Payload snapshot) {}

  static final class Rejection extends Exception {
    final String code;

    Rejection(String code, String message) {
      super(message, null, false, false);
      this.code = code;
    }
  }

  static final ObjectMapper JSON = new ObjectMapper()
      .setDefaultPropertyInclusion(com.fasterxml.jackson.annotation.JsonInclude.Include.NON_NULL)
      .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  static byte[] encode(Object value) {
    try {
      return JSON.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  static <T> T decode(byte[] data, Class<T> type) {
    try {
      return JSON.readValue(data, type);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static <T> Serde<T> json(Class<T> type) {
    return Serdes.serdeFrom((topic, value) -> value == null ? null : encode(value),
        (topic, data) -> data == null ? null : decode(data, type));
  }

  // The domain: the two commands that the load is made of.

  static Event decide(Invoice invoice, String type, byte[] payload) throws Rejection {
    return switch (type) {
      case "CreateInvoice" -> create(invoice, decode(payload, CreateInvoice.class));
      case "ChangeLineItem" -> change(invoice, decode(payload, ChangeLineItem.class));
      default -> throw new Rejection("undecodable", "unknown command " + type);
    };
  }

  static Event create(Invoice invoice, CreateInvoice command) throws Rejection {
    require(invoice == null, "invoice_exists", "the invoice exists already");
    Customer customer = command.customer();
    require(!customer.name().isBlank(), "customer_name_missing", "the customer has no name");
    checkText(customer.name(), 200);
    checkText(customer.email(), 254);
    checkText(customer.address(), 1000);
    LocalDate issued = LocalDate.parse(command.issueDate());
    require(!LocalDate.parse(command.dueDate()).isBefore(issued), "due_before_issue", "the due date is before the issue date");
    require(command.lines().size() <= 1000, "too_many_lines", "too many lines");
    List<LineItem> lines = new ArrayList<>();
    for (LineDetails line : command.lines()) {
      lines.add(item(String.valueOf(lines.size() + 1), line, command.currency()));
    }
    return new InvoiceCreated(customer, command.issueDate(), command.dueDate(), command.currency(), lines,
        total(lines, command.currency()));
  }

  static Event change(Invoice invoice, ChangeLineItem command) throws Rejection {
    require(invoice != null, "invoice_not_found", "there is no such invoice");
    require(invoice.status().equals("draft"), "invoice_not_draft", "the invoice has been sent");
    require(invoice.lines().stream().anyMatch(l -> l.id().equals(command.lineId())), "line_not_found", "no such line item");
    LineDetails details = new LineDetails(command.description(), command.quantity(), command.unitPrice());
    LineItem line = item(command.lineId(), details, invoice.currency());
    return new LineItemChanged(line, total(replaced(invoice.lines(), line), invoice.currency()));
  }

  static Invoice evolve(Invoice invoice, Event event) {
    if (event instanceof InvoiceCreated e) {
      Money nothing = money(BigDecimal.ZERO, e.currency());
      return new Invoice(e.customer(), e.issueDate(), e.dueDate(), e.currency(), "draft", e.lines(), e.lines().size(),
          e.total(), nothing, e.total(), List.of());
    }
    LineItemChanged e = (LineItemChanged) event;
    return new Invoice(invoice.customer(), invoice.issueDate(), invoice.dueDate(), invoice.currency(), invoice.status(),
        replaced(invoice.lines(), e.line()), invoice.lastLine(), e.total(), invoice.paid(), e.total(), invoice.payments());
  }

  static LineItem item(String id, LineDetails line, String currency) throws Rejection {
    require(!line.description().isBlank(), "line_description_missing", "the line item has no description");
    checkText(line.description(), 200);
    BigDecimal quantity = new BigDecimal(line.quantity());
    BigDecimal price = new BigDecimal(line.unitPrice());
    require(quantity.signum() > 0, "quantity_invalid", "the quantity is not positive");
    require(price.signum() >= 0, "price_invalid", "the unit price is negative");
    return new LineItem(id, line.description(), line.quantity(), line.unitPrice(), money(quantity.multiply(price), currency));
  }

  static Money money(BigDecimal amount, String currency) {
    int decimals = Currency.getInstance(currency).getDefaultFractionDigits();
    return new Money(amount.setScale(decimals, RoundingMode.HALF_UP).toPlainString(), currency);
  }

  static Money total(List<LineItem> lines, String currency) {
    BigDecimal sum = BigDecimal.ZERO;
    for (LineItem line : lines) {
      sum = sum.add(new BigDecimal(line.net().amount()));
    }
    return money(sum, currency);
  }

  static List<LineItem> replaced(List<LineItem> lines, LineItem line) {
    return lines.stream().map(l -> l.id().equals(line.id()) ? line : l).toList();
  }

  static void checkText(String text, int limit) throws Rejection {
    require(text.codePointCount(0, text.length()) <= limit, "text_too_long", "a text is too long");
    require(text.chars().noneMatch(c -> Character.isISOControl(c) && c != '\n'), "text_invalid", "a text has control characters");
  }

  static void require(boolean holds, String code, String message) throws Rejection {
    if (!holds) {
      throw new Rejection(code, message);
    }
  }

  // The handler.

  static final class Handler implements Processor<String, byte[], String, byte[]> {
    private final String name;
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, Snapshot> snapshots;

    Handler(String name) {
      this.name = name;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      this.snapshots = context.getStateStore("snapshots");
    }

    @Override
    public void process(Record<String, byte[]> command) {
      long offset = context.recordMetadata().map(RecordMetadata::offset).orElseThrow();
      String id = header(command.headers(), "ce_id");
      String time = Instant.ofEpochMilli(command.timestamp()).toString();
      Snapshot before = snapshots.get(command.key());
      long version = before == null ? 0 : before.version();
      try {
        Event event = decide(before == null ? null : before.state(), header(command.headers(), "ce_type"), command.value());
        Snapshot after = new Snapshot(version + 1, 1, time, id, offset, evolve(before == null ? null : before.state(), event));
        snapshots.put(command.key(), after);
        String type = event.getClass().getSimpleName();
        Result result = new Result("accepted", after.version(), null, null,
            List.of(new Payload(type, 1, after.version(), null, time, id, offset, event)),
            new Payload("invoice", 1, after.version(), 1, time, id, offset, after.state()));
        forward(command, "results", id, "CommandAccepted", time, offset, after.version(), encode(result));
        forward(command, "events", command.key() + "/" + after.version(), type, time, offset, after.version(), encode(event));
      } catch (Rejection r) {
        Result result = new Result("rejected", version, r.code, r.getMessage(), null, null);
        forward(command, "results", id, "CommandRejected", time, offset, version, encode(result));
      }
    }

    private void forward(Record<String, byte[]> command, String topic, String id, String type, String time, long offset,
        long version, byte[] value) {
      Headers headers = new RecordHeaders();
      add(headers, "ce_specversion", "1.0");
      add(headers, "ce_id", id);
      add(headers, "ce_type", type);
      add(headers, "ce_source", "/" + name + "/" + topic);
      add(headers, "ce_subject", command.key());
      add(headers, "ce_time", time);
      add(headers, "content-type", "application/json");
      add(headers, "ce_schemaversion", "1");
      add(headers, "ce_version", Long.toString(version));
      String commandId = header(command.headers(), "ce_id");
      add(headers, "ce_commandid", commandId);
      add(headers, "ce_commandoffset", Long.toString(offset));
      add(headers, "ce_originid", header(command.headers(), "ce_originid"));
      add(headers, "ce_correlationid", Objects.requireNonNullElse(header(command.headers(), "ce_correlationid"), commandId));
      if (topic.equals("events")) {
        add(headers, "ce_causationid", commandId);
      }
      context.forward(command.withValue(value).withHeaders(headers), topic);
    }
  }

  static String header(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  static void add(Headers headers, String name, String value) {
    if (value != null) {
      headers.add(name, value.getBytes(StandardCharsets.UTF_8));
    }
  }

  static Topology topology(String name) {
    Topology t = new Topology();
    t.addSource("commands", new StringDeserializer(), new ByteArrayDeserializer(), name + "-commands");
    t.addProcessor("handler", () -> new Handler(name), "commands");
    t.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("snapshots"), Serdes.String(),
        json(Snapshot.class)).withCachingEnabled(), "handler");
    for (String topic : List.of("results", "events")) {
      t.addSink(topic, name + "-" + topic, new StringSerializer(), new ByteArraySerializer(), "handler");
    }
    return t;
  }

  static Properties config(Map<String, String> flags) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, flags.get("name"));
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, flags.get("kafka"));
    p.put(StreamsConfig.STATE_DIR_CONFIG, flags.get("data"));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, flags.get("commit-ms"));
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, flags.get("threads"));
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), flags.get("session-ms"));
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    if (flags.containsKey("static")) {
      p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), flags.get("static"));
    }
    return p;
  }

  static Map<String, String> parse(String[] arguments) {
    Map<String, String> flags = new HashMap<>();
    for (String argument : arguments) {
      String[] pair = argument.replaceFirst("^--", "").split("=", 2);
      if (pair.length != 2) {
        throw new IllegalArgumentException("want --name=value, not " + argument);
      }
      flags.put(pair[0], pair[1]);
    }
    return flags;
  }

  /** Bytes that the living threads have allocated on the heap; the memory of RocksDB is not among them. */
  static long allocated() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds())).filter(n -> n > 0).sum();
  }

  public static void main(String[] arguments) throws IOException {
    Map<String, String> flags = parse(arguments);
    KafkaStreams streams = new KafkaStreams(topology(flags.get("name")), config(flags));
    streams.setUncaughtExceptionHandler(e -> {
      e.printStackTrace();
      return StreamThreadExceptionResponse.REPLACE_THREAD;
    });
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) {
        System.out.println("{\"Running\":true}");
      }
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    while (in.readLine() != null) {
      System.out.println("{\"Allocated\":" + allocated() + "}");
    }
    System.exit(0);
  }
}
